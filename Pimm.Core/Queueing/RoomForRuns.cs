using Microsoft.Extensions.Logging;

namespace Pimm.Core.Queueing;

/// <summary>Which kinds a worker may take now: not those whose runs fill a disk that is nearly full. Said once when it begins and once when it ends.</summary>
internal sealed class RoomForRuns(IReadOnlyDictionary<string, IJob> jobs, DiskSpace? disk, ILogger logger)
{
    private readonly HashSet<string> waiting = new(StringComparer.Ordinal);

    public string[] Kinds(string[] kinds) => disk is null ? kinds : [.. kinds.Where(HasRoom)];

    private bool HasRoom(string kind)
    {
        var folders = disk!.FilledBy(kind, jobs[kind].WritesTo).ToList();
        var lack = folders.Select(LackOf).FirstOrDefault(found => found is not null);
        bool changed;
        lock (waiting)
            changed = lack is null ? waiting.Remove(kind) : waiting.Add(kind);
        if (changed && lack is null)
            logger.LogInformation("Runs of the kind {Kind} are taken again: there is room in {Folders}", kind, string.Join(", ", folders));
        else if (changed)
            logger.LogWarning("No run of the kind {Kind} is taken: {Reason}", kind, lack);
        return lack is null;
    }

    private string? LackOf(string folder)
    {
        try
        {
            return disk!.Lack(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The disk of {folder} cannot be looked at ({e.Message}): is it mounted?";
        }
    }
}
