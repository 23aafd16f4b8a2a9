using System.Globalization;
using System.Text.RegularExpressions;

namespace Pimm.Core.Retaining;

/// <summary>
/// Files and folders that were left behind, found by the names that Pimm gives and by when somebody last wrote to them. Other names, and
/// whatever lies behind a link, belong to somebody else.
/// </summary>
public static partial class OldFiles
{
    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };

    /// <summary>Lists and backups that were never finished and that nobody has written to since.</summary>
    public static IReadOnlyList<string> Abandoned(string exports, string backups, DateTimeOffset before) =>
    [
        .. Named(exports, UnfinishedList(), folders: false).Concat(Named(backups, UnfinishedBackup(), folders: true))
            .Where(path => LastWritten(path) < before)
            .Order(StringComparer.Ordinal)
    ];

    /// <summary>Outcome files that were taken or refused, and nobody has written to since.</summary>
    public static IReadOnlyList<string> PutAway(string inbox, DateTimeOffset before) => !Directory.Exists(inbox) ? [] :
    [
        .. Directory.EnumerateFiles(inbox, "*", Everything)
            .Where(path => Path.GetFileName(Path.GetDirectoryName(path)) is "taken" or "refused" && LastWritten(path) < before)
            .Order(StringComparer.Ordinal)
    ];

    /// <summary>Folders of trainings, by the number of the run in their names.</summary>
    public static IReadOnlyDictionary<string, long> OfRuns(string folder) =>
        Named(folder, RunFolder(), folders: true)
            .ToDictionary(path => path, path => long.Parse(Path.GetFileName(path).AsSpan("run-".Length), CultureInfo.InvariantCulture), StringComparer.Ordinal);

    public static DateTimeOffset LastWritten(string path) => Directory.Exists(path)
        ? Directory.EnumerateFileSystemEntries(path, "*", Everything).Select(File.GetLastWriteTimeUtc)
            .Append(Directory.GetLastWriteTimeUtc(path)).Max()
        : File.GetLastWriteTimeUtc(path);

    public static void Remove(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        else
            File.Delete(path);
    }

    private static IEnumerable<string> Named(string folder, Regex name, bool folders) => !Directory.Exists(folder) ? [] :
        new DirectoryInfo(folder).EnumerateFileSystemInfos()
            .Where(found => found.LinkTarget is null && found is DirectoryInfo == folders && name.IsMatch(found.Name))
            .Select(found => found.FullName);

    [GeneratedRegex(@"^run-\d{1,18}\z", RegexOptions.CultureInvariant)]
    private static partial Regex RunFolder();

    // Of an export, with run and fence, or of a restore.
    [GeneratedRegex(@"^(c\d+-\d{8}-[ab]|aud_[0-9a-f]{8}_[ab]_\d{8}(_r\d+)?(_add|_remove)?)(\.csv|\.manifest\.json)(\.\d+-\d+)?\.tmp\z", RegexOptions.CultureInvariant)]
    private static partial Regex UnfinishedList();

    [GeneratedRegex(@"^(pimm|before-upgrade)-\d{8}T\d{6}Z\.tmp\z", RegexOptions.CultureInvariant)]
    private static partial Regex UnfinishedBackup();
}
