namespace Pimm.Core.Safekeeping;

/// <summary>The backups in Backup:Folder.</summary>
public static class BackupFolders
{
    /// <summary>Whole ones, the newest first by the time in their names.</summary>
    public static IReadOnlyList<string> List(string folder) => !Directory.Exists(folder) ? [] :
    [
        .. Directory.EnumerateDirectories(folder)
            .Where(path => File.Exists(Path.Combine(path, BackupManifest.FileName)) && !path.EndsWith(".tmp", StringComparison.Ordinal))
            .OrderByDescending(path => Path.GetFileName(path).Split('-')[^1], StringComparer.Ordinal)
    ];

    /// <summary>Leaves the newest <paramref name="keep"/>.</summary>
    /// <returns>the folders that went</returns>
    public static IReadOnlyList<string> RemoveOldest(string folder, int keep)
    {
        var old = List(folder).Skip(keep).ToList();
        foreach (var path in old)
        {
            // Without a manifest it is no backup any more, however far the removal gets.
            File.Delete(Path.Combine(path, BackupManifest.FileName));
            Directory.Delete(path, recursive: true);
        }
        return old;
    }
}
