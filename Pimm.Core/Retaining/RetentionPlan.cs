using Microsoft.Extensions.Options;

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
/// <param name="TemporaryFiles">files and folders named *.tmp that nobody writes to</param>
public sealed record RetentionCounts(
    long Scorings, long Files, long RunLogLines, long ModelWeights, long Runs, long Firings, int Lists, int TrainingFolders, int TemporaryFiles);

/// <summary>Finds what retention would remove now, and removes nothing.</summary>
public sealed class RetentionPlan(RetentionStore store, WorkFolders folders, IOptions<RetentionOptions> options, TimeProvider time)
{
    public async Task<RetentionCounts> CountAsync(CancellationToken cancellationToken)
    {
        var bounds = Bounds();
        var rows = new List<long>();
        foreach (var rule in await store.RulesAsync(cancellationToken))
            rows.Add(await store.CountAsync(rule, bounds, cancellationToken));
        var lists = await store.OldListsAsync(bounds, cancellationToken);
        return new RetentionCounts(rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], lists.Count, (await TrainingFoldersAsync(cancellationToken)).Count, TemporaryFiles().Count);
    }

    internal RetentionBounds Bounds()
    {
        options.Value.Validate();
        return RetentionBounds.Of(options.Value, time.GetUtcNow());
    }

    internal int BatchRows => options.Value.BatchRows;

    internal string ListPath(KeptList list) => Path.Combine(folders.Exports, list.FileName);

    /// <summary>Not those of runs that are waiting or at work, however old: they hold the checkpoint.</summary>
    internal async Task<IReadOnlyList<string>> TrainingFoldersAsync(CancellationToken cancellationToken)
    {
        var found = OldFiles.OfRuns(folders.Training);
        var ends = await store.EndsAsync([.. found.Values], cancellationToken);
        var before = time.GetUtcNow().AddHours(-options.Value.TrainingFolderHours);
        return
        [
            .. found.Where(folder => ends.TryGetValue(folder.Value, out var end) ? end < before : OldFiles.LastWritten(folder.Key) < before)
                .Select(folder => folder.Key).Order(StringComparer.Ordinal)
        ];
    }

    internal IReadOnlyList<string> TemporaryFiles() =>
        OldFiles.Abandoned(folders.Own, time.GetUtcNow().AddMinutes(-options.Value.TemporaryFileMinutes));
}
