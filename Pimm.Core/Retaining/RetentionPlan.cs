using Microsoft.Extensions.Options;
using Pimm.Core.Training;

namespace Pimm.Core.Retaining;

/// <summary>What goes, or went.</summary>
/// <param name="Scorings">that runs which failed or were cancelled left unfinished</param>
/// <param name="Files">likewise, of imports</param>
/// <param name="RunLogLines">lines of runs that have ended</param>
/// <param name="ModelWeights">versions that lose their weights</param>
/// <param name="Runs">finished runs that nothing points to</param>
/// <param name="Firings">of schedules</param>
/// <param name="Lists">files of audience lists</param>
/// <param name="TrainingFolders">of runs that have ended</param>
/// <param name="TemporaryFiles">lists and backups that were never finished</param>
/// <param name="Answers">of the HTTP API, kept for requests that are sent again</param>
/// <param name="BadRows">rows and events that were put aside and that nobody has mended</param>
/// <param name="InboxFiles">outcome files that were taken or refused</param>
public sealed record RetentionCounts(
    long Scorings, long Files, long RunLogLines, long ModelWeights, long Runs, long Firings, int Lists, int TrainingFolders, int TemporaryFiles, long Answers = 0, long BadRows = 0, int InboxFiles = 0);

/// <summary>Finds what retention would remove now, and removes nothing.</summary>
public sealed class RetentionPlan(RetentionStore store, WorkFolders folders, IOptions<RetentionOptions> options, TimeProvider time)
{
    private const int DaysOfStrangers = 31;

    public async Task<RetentionCounts> CountAsync(CancellationToken cancellationToken)
    {
        var bounds = Bounds();
        var rows = new List<long>();
        foreach (var rule in await store.RulesAsync(cancellationToken))
            rows.Add(await store.CountAsync(rule, bounds, cancellationToken));
        var lists = await store.OldListsAsync(bounds, cancellationToken);
        return new RetentionCounts(rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], lists.Count, (await TrainingFoldersAsync(cancellationToken)).Count, TemporaryFiles().Count, rows[6], rows[7] + rows[8], InboxFiles().Count);
    }

    internal RetentionBounds Bounds()
    {
        options.Value.Validate();
        return RetentionBounds.Of(options.Value, time.GetUtcNow());
    }

    internal int BatchRows => options.Value.BatchRows;

    internal string ListPath(KeptList list) => Path.Combine(folders.Exports, list.FileName);

    /// <summary>
    /// Not those of runs that are waiting or at work, however old: they hold the checkpoint. One that no run of this database has made
    /// may be at work for another database; it goes when nobody has written to it for long.
    /// </summary>
    internal async Task<IReadOnlyList<string>> TrainingFoldersAsync(CancellationToken cancellationToken)
    {
        var found = OldFiles.OfRuns(folders.Training);
        var spans = await store.SpansAsync([.. found.Values], cancellationToken);
        var ended = time.GetUtcNow().AddHours(-options.Value.TrainingFolderHours);
        var untouched = time.GetUtcNow().AddDays(-DaysOfStrangers);
        return
        [
            .. found.Where(folder => OwnerOf(folder.Value) is { } run ? run.FinishedAt < ended : OldFiles.LastWritten(folder.Key) < untouched)
                .Select(folder => folder.Key).Order(StringComparer.Ordinal)
        ];

        RunSpan? OwnerOf(long number) =>
            spans.GetValueOrDefault(number) is { } run && new TrainingFolder(folders.Training, number, fence: 0).IsOf(run.CreatedAt) ? run : null;
    }

    internal IReadOnlyList<string> InboxFiles() => OldFiles.PutAway(folders.Inbox, time.GetUtcNow().AddDays(-options.Value.InboxFileDays));

    internal IReadOnlyList<string> TemporaryFiles() =>
        OldFiles.Abandoned(folders.Exports, folders.Backups, time.GetUtcNow().AddMinutes(-options.Value.TemporaryFileMinutes));
}
