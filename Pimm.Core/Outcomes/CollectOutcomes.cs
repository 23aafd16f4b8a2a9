using System.Globalization;
using Microsoft.Extensions.Options;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Outcomes;

/// <summary>
/// Looks once through the inbox: asks for an import of each complete file, and puts those away whose import has ended since. A file
/// leaves the inbox only when its events are counted or refused.
/// </summary>
public sealed class CollectOutcomes(AudienceStore audiences, JobQueue queue, IOptions<OutcomesOptions> options) : IJob
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
        var hash = Convert.ToHexStringLower(await ChunkedImport.HashAsync(file.Path, cancellationToken));
        var id = 0L;
        // The same bytes are the same run, however often they are looked at; put there again after a refusal they are another.
        var request = new JobRequest(
            ImportOutcomes.JobKind, $"inbox/{audience.Id}/{file.Source}/{hash}/{OutcomeInbox.Refusals(file, hash)}",
            new OutcomesRequest(audience.Id, Path.GetFullPath(file.Path), file.Source));
        await run.CommitAsync(async connection => id = await queue.EnqueueAsync(request, connection), cancellationToken);
        var import = await queue.GetAsync(id, cancellationToken);
        await run.ConfirmLeaseAsync(cancellationToken);
        switch (import.State)
        {
            case JobStates.Succeeded:
                OutcomeInbox.Take(file);
                tally.Taken++;
                break;
            case JobStates.Failed when IsRefusal(import):
                OutcomeInbox.Refuse(file, hash, import.Error!);
                run.Warn(import.Error!);
                tally.Refused++;
                break;
            case JobStates.Failed or JobStates.Cancelled:
                run.Warn($"The import of {Path.GetFileName(file.Path)} {import.State} ({import.ErrorSentence ?? "no error"}): try run {id} again.");
                tally.Failed++;
                break;
            default:
                tally.Importing++;
                break;
        }
    }

    // A refusal is one sentence and ends the run at once. What ended the last attempt may be a worker's death: that says nothing against the file.
    private static bool IsRefusal(JobRun import) => import.Attempt < import.MaxAttempts && import.Error is { } error && !error.Contains('\n');

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
    }
}
