using System.Globalization;
using Pimm.Core.Queueing;
using Pimm.Core.Retaining;

namespace Pimm.Core.Operating;

/// <summary>The folders that Pimm writes to: may it, and is there room. As this process sees them; on another machine others count.</summary>
public sealed class FolderHealth(WorkFolders folders, DiskSpace disk)
{
    public IReadOnlyList<HealthFinding> Look() =>
    [
        .. folders.All.Select(folder => Look(folder.Name, folder.Path, writes: true)),
        // Only the server writes there.
        .. disk.Options.DatabaseFolder is { Length: > 0 } data ? [Look("data", data, writes: false)] : Array.Empty<HealthFinding>(),
    ];

    private HealthFinding Look(string name, string path, bool writes)
    {
        try
        {
            if (File.Exists(path))
                return HealthFinding.Failing(name, $"{path} is a file where a folder should be: remove it, or set another folder.");
            var space = DiskSpace.Of(path);
            if (writes && Directory.Exists(path) && !MayWrite(path))
                return HealthFinding.Failing(name, $"{path} cannot be written by {Environment.UserName}: give this user the right to, or set another folder.");
            if (disk.Lack(path) is { } lack)
                return HealthFinding.Failing(name, lack);
            var note = string.Create(CultureInfo.InvariantCulture, $"{path}: {space.FreeBytes / 1e9:N1} GB free ({space.Share:P0})");
            return space.Share < disk.Options.WarnFreeShare ? HealthFinding.Warning(name, $"{note}: make room there.") : HealthFinding.Ok(name, note);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return HealthFinding.Failing(name, $"{path} cannot be looked at ({e.Message}): is its disk mounted?");
        }
    }

    private static bool MayWrite(string path)
    {
        try
        {
            using var probe = new FileStream(Path.Combine(path, $"write-test-{Environment.ProcessId}.tmp"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.DeleteOnClose);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
