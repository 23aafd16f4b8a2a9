using System.Text.RegularExpressions;

namespace Pimm.Core.Safekeeping;

/// <summary>The backups in Backup:Folder that Pimm named itself; whatever else lies there belongs to somebody else.</summary>
public static partial class BackupFolders
{
    /// <summary>Whole ones, the newest first by the time in their names.</summary>
    public static IReadOnlyList<string> List(string folder) => !Directory.Exists(folder) ? [] :
    [
        .. new DirectoryInfo(folder).EnumerateDirectories()
            .Where(found => OwnName().IsMatch(found.Name) && found.LinkTarget is null && File.Exists(Path.Combine(found.FullName, BackupManifest.FileName)))
            .OrderByDescending(found => found.Name.Split('-')[^1], StringComparer.Ordinal)
            .Select(found => found.FullName)
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

    [GeneratedRegex(@"^(pimm|before-upgrade)-\d{8}T\d{6}Z\z", RegexOptions.CultureInvariant)]
    private static partial Regex OwnName();
}
