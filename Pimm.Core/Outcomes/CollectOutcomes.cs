using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Outcomes;

/// <summary>
/// Looks once through the inbox: asks for an import of each complete file, and puts those away whose import has ended since. A file
/// leaves the inbox only when its events are counted or refused.
/// </summary>
public sealed class CollectOutcomes(AudienceStore audiences, ImportStore imports, InboxStore inbox, JobQueue queue, IOptions<OutcomesOptions> options) : IJob
{
    public const string JobKind = "collect";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var settings = options.Value;
        settings.Validate();
        var before = OutcomeInbox.Files(settings.Inbox, settings.Source);
        if (before.Count > 0)
        {
            await Task.Delay(settings.Quiet, cancellationToken);
        }
        var files = OutcomeInbox.Files(settings.Inbox, settings.Source);
        var complete = files.Intersect(before).ToList();
        var tally = new Tally { Unfinished = files.Count - complete.Count };
        foreach (var file in complete)
        {
            run.Report(0, $"looking at {Path.GetFileName(file.Path)} of {file.Folder}");
            if (await FindAudienceAsync(file.Folder, cancellationToken) is { } audience)
            {
                await CollectAsync(run, audience, file, tally, cancellationToken);
            }
            else
            {
                run.Warn($"The inbox's folder \"{file.Folder}\" is called by no audience's name or id, so {Path.GetFileName(file.Path)} stays where it is: rename the folder.");
                tally.Failed++;
            }
        }
        await run.CompleteAsync(tally, null, cancellationToken);
    }

    private async Task CollectAsync(JobExecution run, Audience audience, DroppedFile file, Tally tally, CancellationToken cancellationToken)
    {
        if (await OutcomeInbox.FindHashAsync(file, cancellationToken) is not { } hash)
        {
            tally.Changed++;
            return;
        }
        // The same bytes are the same run, however often they are looked at; dropped again after some of their rows were not counted they are another.
        var content = $"inbox/{audience.Id}/{file.Source}/{hash}";
        var number = await inbox.NextNumberAsync(content, cancellationToken);
        var request = new JobRequest(ImportOutcomes.JobKind, $"{content}/{number}", new OutcomesRequest(audience.Id, Path.GetFullPath(file.Path), file.Source));
        var id = 0L;
        await run.CommitAsync(async connection => id = await queue.EnqueueAsync(request, connection), cancellationToken);
        var import = await queue.GetAsync(id, cancellationToken);
        var refusal = import.State == JobStates.Failed ? await imports.FindRefusalAsync(id, import.Fence, cancellationToken) : null;
        if (refusal is not null || (import.State == JobStates.Succeeded && HasQuarantined(import)))
        {
            await run.CommitAsync(connection => inbox.AddAsync(connection, id, content, number), cancellationToken);
        }
        await run.ConfirmLeaseAsync(cancellationToken);
        FaultPoint.Reach("collect.looked-at");
        PutAway(run, file, hash, import, refusal, tally);
    }

    private static void PutAway(JobExecution run, DroppedFile file, string hash, JobRun import, string? refusal, Tally tally)
    {
        switch (import.State)
        {
            case JobStates.Succeeded when OutcomeInbox.Take(file):
                tally.Taken++;
                break;
            case JobStates.Failed when refusal is not null && OutcomeInbox.Refuse(file, hash, refusal):
                run.Warn(refusal);
                tally.Refused++;
                break;
            case JobStates.Succeeded:
            case JobStates.Failed when refusal is not null:
                run.Log($"{Path.GetFileName(file.Path)} was taken away or written anew meanwhile; what is there now is looked at next time.");
                tally.Changed++;
                break;
            case JobStates.Failed or JobStates.Cancelled:
                run.Warn($"The import of {Path.GetFileName(file.Path)} {import.State} ({import.ErrorSentence ?? "no error"}): try run {import.Id} again.");
                tally.Failed++;
                break;
            default:
                tally.Importing++;
                break;
        }
    }

    private static bool HasQuarantined(JobRun import) =>
        JsonSerializer.Deserialize<ImportResult>(import.Result ?? "{}", JobRequest.Json)?.Counts is { Quarantined: > 0 };

    private async Task<Audience?> FindAudienceAsync(string folder, CancellationToken cancellationToken)
    {
        if (await audiences.FindByNameAsync(folder, cancellationToken) is { } named)
        {
            return named;
        }
        return long.TryParse(folder, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? await audiences.FindAsync(id, cancellationToken) : null;
    }

    private sealed class Tally
    {
        public int Importing { get; set; }

        public int Taken { get; set; }

        public int Refused { get; set; }

        public int Failed { get; set; }

        public int Unfinished { get; set; }

        /// <summary>Gone or written anew since they were listed.</summary>
        public int Changed { get; set; }
    }
}
