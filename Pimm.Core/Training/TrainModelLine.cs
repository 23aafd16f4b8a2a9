using System.Diagnostics.Metrics;
using System.Text.Json;
using Pimm.Core.Auditing;
using Pimm.Core.Database;
using Pimm.Core.Datasets;
using Pimm.Core.Importing;
using Pimm.Core.Networks;
using Pimm.Core.Queueing;

namespace Pimm.Core.Training;

/// <summary>What a run of the kind "train" is asked to do.</summary>
/// <param name="AsOf">train as on this day; null: now</param>
/// <param name="WindowDays">w: an impression is used when its window is closed, so the newest usable day is AsOf − w</param>
/// <param name="AcceptChange">train although label rates or attributes have changed since the last version, and compare the next training with them as they are now</param>
public sealed record TrainLineRequest(long ModelLineId, long Seed = 1, DateTimeOffset? AsOf = null, int WindowDays = 30, bool AcceptChange = false);

/// <summary>What a run of the kind "train" came to.</summary>
/// <param name="Warnings">what was noticed about the rows, and that memory allowed half the batch only</param>
/// <param name="Accepted">changes of the rows that would have stopped it, had a person not accepted them</param>
internal sealed record TrainLineResult(string Line, long Rows, IReadOnlyList<string> Warnings, IReadOnlyList<string> Accepted)
{
    /// <summary>Whether the line had no champion when the version was written, and so has this one.</summary>
    public bool Promoted { get; internal set; }

    /// <summary>Known once the version is written.</summary>
    public long ModelVersionId { get; internal set; }
}

/// <summary>
/// Trains a model line's next version on the impressions whose window has closed, and makes it the champion when the line has
/// none yet. Lines that learn nothing ("random", "truth:…") get a version without weights.
/// </summary>
public sealed class TrainModelLine(AudienceStore audiences, RowsSpool spool, TrainingChecks checks, ModelStore models, TrainingProcess process, TimeProvider time) : IJob
{
    public const string JobKind = "train";

    public string Kind => JobKind;

    public string? WritesTo => process.Options.Folder;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<TrainLineRequest>();
        var line = await models.GetLineAsync(request.ModelLineId, cancellationToken);
        var folder = new TrainingFolder(process.Options.Folder, run.RunId, run.Fence);
        var learns = NetworkCatalog.Names.Contains(line.Network);
        var (model, rows, check) = learns
            ? await TrainAsync(run, line, request, folder, cancellationToken)
            : (new StoredModel(JsonSerializer.Serialize(new { model = line.Network }), null, null), null, null);

        FaultPoint.Reach("train.trained");
        var result = new TrainLineResult(line.Name, rows?.Rows ?? 0, check?.Warnings ?? [], check?.Accepted ?? []);
        await run.CompleteAsync(result, async connection =>
        {
            await ModelStore.LockAsync(connection, line.Id);
            var id = await models.AddVersionAsync(connection, line.Id, request.Seed, model, result.Rows, rows?.Before, run.RunId);
            result.ModelVersionId = id;
            if (check is not null)
            {
                await checks.SaveAsync(connection, id, check);
            }

            // As it is now: while this was trained, another training or a person may have given the line its first champion.
            result.Promoted = await ModelStore.ChampionAsync(connection, line.Id) is null;
            if (result.Promoted)
            {
                await models.PromoteAsync(connection, id, "training", "the line's first version", actor: AuditActor.Run(run.RunId));
            }
        }, cancellationToken);
        folder.Remove();
    }

    private async Task<(StoredModel Model, SpooledRows? Rows, PassedCheck? Check)> TrainAsync(
        JobExecution run, ModelLine line, TrainLineRequest request, TrainingFolder folder, CancellationToken cancellationToken)
    {
        var audience = await audiences.GetAsync(line.AudienceId, cancellationToken);
        await OpenAsync(run, folder, cancellationToken);
        var before = (request.AsOf ?? time.GetUtcNow()).AddDays(-request.WindowDays);
        var rows = await spool.SpoolAsync(run, audience, before, folder, cancellationToken);
        var check = await checks.RequireAsync(run, line, audience, request, rows.Rows, rows.Before, cancellationToken);
        var training = TrainingOf(line, audience, request, rows, folder);
        TrainedModel model;
        await using (var checkpoints = new CheckpointRecorder(run))
        {
            model = await WithinMemoryAsync(run, folder, training, asked => process.RunAsync(asked, folder.Request, news => Tell(run, checkpoints, news), () => run.IsHandedBack, cancellationToken));
        }

        check = folder.HalfBatch is { } why ? check with { Warnings = [.. check.Warnings, why] } : check;
        foreach (var task in model.Description.Test)
        {
            run.Log(FormattableString.Invariant($"{task.Name}: AUC {task.Auc:0.0000}, log loss {task.LogLoss:0.00000} on {model.Description.Rows.Test:N0} held-out rows"));
        }

        return (new StoredModel(model.Description.ToJson(), model.FeatureMap, model.Weights), rows, check);
    }

    private static async Task OpenAsync(JobExecution run, TrainingFolder folder, CancellationToken cancellationToken)
    {
        var (asked, checkpoint) = await run.OriginAsync(cancellationToken);
        if (run.Fence > 1 && !folder.IsOf(asked))
        {
            var there = checkpoint is null ? "" : $"; its last checkpoint was {checkpoint}";
            run.Warn($"What an attempt before wrote is not on this machine ({folder.Path}){there}: training starts over.");
        }

        folder.Open(asked);
    }

    private RowsTraining TrainingOf(ModelLine line, Audience audience, TrainLineRequest request, SpooledRows rows, TrainingFolder folder)
    {
        var settings = JsonSerializer.Deserialize<Dictionary<string, string>>(line.Settings)!;
        var (ignored, allowed, asked) = (Taken(settings, "ignore"), Taken(settings, "allowLeak"), Taken(settings, "useProtected"));
        return new RowsTraining(
            rows.Path, [.. audience.TrainedOn(asked).Except(ignored)], audience.Funnel, HistoryRows.TimeColumn, line.Network,
            settings, unchecked((ulong)request.Seed), process.Options.Threads, process.Options.Device, folder.Model, allowed, folder.Packed,
            CheckpointsIn(folder.Checkpoints, folder));
    }

    private RowsCheckpoints CheckpointsIn(string path, TrainingFolder folder) =>
        new(path, folder.Fence, process.Options.CheckpointInterval, Resume: new CheckpointFolder(path, folder.Fence).NewestFirst().Count > 0);

    /// <summary>With half the batch where memory ran out, and at once where it did in an attempt before: whatever ends the run's attempts, none begins anew.</summary>
    private async Task<TrainedModel> WithinMemoryAsync(JobExecution run, TrainingFolder folder, RowsTraining training, Func<RowsTraining, Task<TrainedModel>> train)
    {
        if (folder.HalfBatch is { } earlier)
        {
            run.Warn(earlier);
        }
        else
        {
            try
            {
                return await train(training);
            }
            catch (TrainingOutOfMemoryException died)
            {
                run.Warn($"{died.Message} It is tried once more, from the beginning and with half the batch.");
                folder.TakeHalfTheBatch($"It was trained with half the batch. {died.Message}");
            }
        }

        try
        {
            return await train(training with { HalfBatch = true, Checkpoints = CheckpointsIn(folder.HalfCheckpoints, folder) });
        }
        catch (TrainingOutOfMemoryException died)
        {
            folder.TakeTheWholeBatch();
            throw new InputException(
                $"The training ran out of memory, with half the batch too: give the worker more memory, or the model line a smaller batch or embedding. {died.Message}", died);
        }
    }

    private static readonly Gauge<double> Pace = PimmMeter.Meter.CreateGauge<double>("pimm.training.samples_per_second", "{row}/s", "training rows a second of the run under way, validation not counted");

    private static void Tell(JobExecution run, CheckpointRecorder checkpoints, TrainingNews news)
    {
        if (news.Progress is { } progress)
        {
            run.Report(0.05 + (0.9 * progress.Share), progress.Message);
            if (progress.SamplesPerSecond is { } pace)
            {
                Pace.Record(pace);
            }
        }

        if (news.Checkpoint is { } checkpoint)
        {
            checkpoints.Add(checkpoint);
        }

        if (news.Note is { } note)
        {
            run.Log(note);
        }

        if (news.Warning is { } warning)
        {
            run.Warn(warning);
        }
    }

    /// <summary>A line's settings of its rows, not of its network: lists of attributes.</summary>
    private static string[] Taken(Dictionary<string, string> settings, string name) =>
        settings.Remove(name, out var list) ? list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [];
}
