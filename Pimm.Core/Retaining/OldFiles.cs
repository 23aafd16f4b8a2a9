using System.Globalization;
using System.Text.RegularExpressions;

namespace Pimm.Core.Retaining;

/// <summary>Files and folders that were left behind, found by their names and by when somebody last wrote to them.</summary>
public static partial class OldFiles
{
    /// <summary>Files and folders named *.tmp that nobody has written to since.</summary>
    public static IReadOnlyList<string> Abandoned(IEnumerable<string> folders, DateTimeOffset before) =>
    [
        .. folders.Distinct(StringComparer.Ordinal).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFileSystemEntries(folder, "*.tmp", SearchOption.AllDirectories))
            .Where(path => LastWritten(path) < before)
            .Order(StringComparer.Ordinal)
    ];

    /// <summary>Folders of trainings, by the number of the run at the end of their names.</summary>
    public static IReadOnlyDictionary<string, long> OfRuns(string folder) => !Directory.Exists(folder) ? new Dictionary<string, long>() :
        Directory.EnumerateDirectories(folder)
            .Select(path => (Path: path, Match: RunNumber().Match(Path.GetFileName(path))))
            .Where(found => found.Match.Success)
            .ToDictionary(found => found.Path, found => long.Parse(found.Match.ValueSpan, CultureInfo.InvariantCulture), StringComparer.Ordinal);

    public static DateTimeOffset LastWritten(string path) => Directory.Exists(path)
        ? Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories).Select(File.GetLastWriteTimeUtc)
            .Append(Directory.GetLastWriteTimeUtc(path)).Max()
        : File.GetLastWriteTimeUtc(path);

    public static void Remove(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        else
            File.Delete(path);
    }

    [GeneratedRegex(@"\d{1,18}$")]
    private static partial Regex RunNumber();
}
