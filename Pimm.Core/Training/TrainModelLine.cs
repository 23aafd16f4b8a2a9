using System.Text.Json;
using Pimm.Core.Datasets;
using Pimm.Core.Importing;
using Pimm.Core.Networks;
using Pimm.Core.Queueing;

namespace Pimm.Core.Training;

/// <summary>What a run of the kind "train" is asked to do.</summary>
/// <param name="AsOf">train as on this day; null: now</param>
/// <param name="WindowDays">w: an impression is used when its window is closed, so the newest usable day is AsOf − w</param>
public sealed record TrainLineRequest(long ModelLineId, long Seed = 1, DateTimeOffset? AsOf = null, int WindowDays = 30);

/// <summary>
/// Trains a model line's next version on the impressions whose window has closed, and makes it the champion when the line has
/// none yet. Lines that learn nothing ("random", "truth:…") get a version without weights.
/// </summary>
public sealed class TrainModelLine(AudienceStore audiences, AudienceReader reader, ModelStore models, TrainingProcess process, TimeProvider time) : IJob
{
    public const string JobKind = "train";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<TrainLineRequest>();
        var line = await models.GetLineAsync(request.ModelLineId, cancellationToken);
        var champion = await models.ChampionAsync(line.Id, cancellationToken);
        var before = (request.AsOf ?? time.GetUtcNow()).AddDays(-request.WindowDays);
        var learns = NetworkCatalog.Names.Contains(line.Network);
        var (model, rows) = learns
            ? await TrainAsync(run, line, request, before, cancellationToken)
            : (new StoredModel(JsonSerializer.Serialize(new { model = line.Network }), null, null), 0L);

        await run.CompleteAsync(new { line = line.Name, rows, promoted = champion is null }, async connection =>
        {
            var id = await models.AddVersionAsync(connection, line.Id, request.Seed, model, rows, learns ? before : null, run.RunId);
            if (champion is null)
            {
                await models.PromoteAsync(connection, id, "training", "the line's first version");
            }
        }, cancellationToken);
    }

    private async Task<(StoredModel Model, long Rows)> TrainAsync(
        JobExecution run, ModelLine line, TrainLineRequest request, DateTimeOffset before, CancellationToken cancellationToken)
    {
        var audience = await audiences.GetAsync(line.AudienceId, cancellationToken);
        var folder = Directory.CreateTempSubdirectory("pimm-train-");
        try
        {
            var path = Path.Combine(folder.FullName, "rows.csv");
            var rows = await SpoolAsync(run, audience, before, path, cancellationToken);
            var settings = JsonSerializer.Deserialize<Dictionary<string, string>>(line.Settings)!;
            var (ignored, allowed) = (Taken(settings, "ignore"), Taken(settings, "allowLeak"));
            var training = new RowsTraining(
                path, [.. audience.Attributes.Select(a => a.Name).Except(ignored)], audience.Funnel, HistoryRows.TimeColumn, line.Network,
                settings, unchecked((ulong)request.Seed), process.Options.Threads, process.Options.Device, Path.Combine(folder.FullName, "model"), allowed);
            var model = await process.RunAsync(training, p => run.Report(0.05 + (0.9 * p.Share), p.Message), cancellationToken);
            foreach (var task in model.Description.Test)
            {
                run.Log(FormattableString.Invariant($"{task.Name}: AUC {task.Auc:0.0000}, log loss {task.LogLoss:0.00000} on {model.Description.Rows.Test:N0} held-out rows"));
            }
            return (new StoredModel(model.Description.ToJson(), model.FeatureMap, model.Weights), rows);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>A line's settings of its rows, not of its network: lists of attributes.</summary>
    private static string[] Taken(Dictionary<string, string> settings, string name) =>
        settings.Remove(name, out var list) ? list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [];

    /// <summary>The usable impressions as a file: the child needs no database, and its rows can be looked at.</summary>
    private async Task<long> SpoolAsync(JobExecution run, Audience audience, DateTimeOffset before, string path, CancellationToken cancellationToken)
    {
        using var writer = new DelimitedWriter(path);
        foreach (var column in (IEnumerable<string>)[HistoryRows.TimeColumn, .. audience.Funnel, .. audience.Attributes.Select(a => a.Name)])
        {
            writer.Write(column);
        }
        writer.EndRow();
        var rows = 0L;
        await foreach (var batch in reader.TrainingHistoryAsync(audience, before, cancellationToken))
        {
            for (var row = 0; row < batch.Count; row++)
            {
                WriteRow(writer, audience, batch, row);
            }
            rows += batch.Count;
            run.Report(0.02, $"{rows:N0} impressions read");
        }
        if (rows == 0)
        {
            throw new InputException($"The audience \"{audience.Name}\" has no impressions before {before:yyyy-MM-dd}, when the last window closed: import its history first.");
        }
        writer.Complete();
        return rows;
    }

    private static void WriteRow(DelimitedWriter writer, Audience audience, AttributeBatch batch, int row)
    {
        writer.Write((double)(batch.ImpressionTicks[row] / TimeSpan.TicksPerSecond));
        for (var task = 0; task < audience.Funnel.Length; task++)
        {
            writer.Write(batch.Stages[row] > task ? "1"u8 : "0"u8);
        }
        for (var attribute = 0; attribute < batch.Attributes.Count; attribute++)
        {
            if (batch.Numbers[attribute] is not { } numbers)
            {
                writer.Write(batch.Texts[attribute]![row].AsSpan());
            }
            else if (double.IsNaN(numbers[row]))
            {
                writer.Write(ReadOnlySpan<byte>.Empty);
            }
            else
            {
                writer.Write(numbers[row]);
            }
        }
        writer.EndRow();
    }
}
