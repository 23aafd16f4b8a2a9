using System.Globalization;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;

namespace Pimm.Core.Retaining;

/// <summary>Removes what the settings do not keep, in small transactions, so that nobody waits for it; a second try goes on where the first stopped. Being nightly, it also tries events again that waited for others, before the old ones of them go, and verifies the audit log and notes its end outside the database.</summary>
public sealed class Retain(RetentionStore store, RetentionPlan plan, UploadStore uploads, AuditVerifier audit, ReplayOutcomes replay) : IJob
{
    public const string JobKind = "retain";

    private const int ListsAtOnce = 100;

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var bounds = plan.Bounds();
        await ReplayAsync(run, cancellationToken);
        // Before the runs that tell whose they are.
        var folders = RemoveFiles(run, await plan.TrainingFoldersAsync(cancellationToken));
        var rows = new List<long>();
        foreach (var rule in await store.RulesAsync(cancellationToken))
        {
            run.Report(0.09 * rows.Count, $"removing old {rule.Name}");
            rows.Add(await RemoveAsync(run, rule, bounds, cancellationToken));
        }

        await run.CommitAsync(RetentionStore.PrepareMonthsAsync, cancellationToken);
        var lists = await RemoveListsAsync(run, bounds, cancellationToken);
        run.Report(0.9, "removing files that were left behind");
        var temporary = RemoveFiles(run, plan.TemporaryFiles());
        var inbox = RemoveFiles(run, plan.InboxFiles());
        await uploads.SweepAsync(cancellationToken);
        await NoteAuditHeadAsync(run, cancellationToken);
        var counts = new RetentionCounts(rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], lists, folders, temporary, rows[6], rows[7] + rows[8], inbox);
        await run.CompleteAsync(counts, connection => AuditLog.AddAsync(connection, new AuditEntry(
            AuditActor.Run(run.RunId), "retention.remove", "run", run.RunId.ToString(CultureInfo.InvariantCulture), After: counts)), cancellationToken);
    }

    private async Task ReplayAsync(JobExecution run, CancellationToken cancellationToken)
    {
        await run.ConfirmLeaseAsync(cancellationToken);
        var answer = await replay.RunPassingAsync(AuditActor.Run(run.RunId), cancellationToken);
        if (answer.Received > 0)
        {
            run.Log($"Of {answer.Received} events that waited for others {answer.Received - answer.Quarantined} are counted now.");
        }
    }

    /// <summary>Retention itself does not fail for it: what was removed is removed.</summary>
    private async Task NoteAuditHeadAsync(JobExecution run, CancellationToken cancellationToken)
    {
        await run.ConfirmLeaseAsync(cancellationToken);
        try
        {
            // An end that is noted stands for everything before it.
            if ((await audit.VerifyAsync(1, null, cancellationToken)).Break is { } sentence)
                run.Warn($"The audit log is not as it was written, so its end was not noted: {sentence}");
            else if (await audit.NoteHeadAsync(cancellationToken: cancellationToken) is { } head)
                run.Log($"The audit log ends at row {head.Id} with the hash {head.Hash}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InputException)
        {
            run.Warn($"The end of the audit log could not be noted outside the database: {e.Message}");
        }
    }

    private async Task<long> RemoveAsync(JobExecution run, RetentionRule rule, RetentionBounds bounds, CancellationToken cancellationToken)
    {
        var (total, atOnce) = (0L, Math.Min(plan.BatchRows, rule.MostAtOnce));
        for (var removed = atOnce; removed == atOnce;)
        {
            await run.CommitAsync(async connection => removed = await RetentionStore.RemoveAsync(connection, rule, bounds, atOnce), cancellationToken);
            total += removed;
            FaultPoint.Reach("retain.batch-removed");
        }
        return total;
    }

    /// <summary>The file first: a row that still says the file is there is put right by the next try, the other way round nobody would look.</summary>
    private async Task<int> RemoveListsAsync(JobExecution run, RetentionBounds bounds, CancellationToken cancellationToken)
    {
        var removed = 0;
        foreach (var some in (await store.OldListsAsync(bounds, cancellationToken)).Chunk(ListsAtOnce))
        {
            await run.ConfirmLeaseAsync(cancellationToken);
            var gone = some.Where(list => Removed(run, plan.ListPath(list), File.Delete)).ToList();
            await run.CommitAsync(connection => RetentionStore.MarkRemovedAsync(connection, gone), cancellationToken);
            removed += gone.Count;
        }
        return removed;
    }

    private static int RemoveFiles(JobExecution run, IReadOnlyList<string> paths) => paths.Count(path => Removed(run, path, OldFiles.Remove));

    /// <summary>False: it is still there, or its folder is not on this machine.</summary>
    private static bool Removed(JobExecution run, string path, Action<string> remove)
    {
        try
        {
            remove(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            run.Warn($"{path} could not be removed: {e.Message}");
            return false;
        }
    }
}
