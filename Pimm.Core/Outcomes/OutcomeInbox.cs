using Pimm.Core.Safetensors;

namespace Pimm.Core.Outcomes;

/// <summary>A file that was dropped.</summary>
/// <param name="Folder">of the audience: its name or id</param>
/// <param name="Source">who counted the events</param>
public sealed record DroppedFile(string Path, string Folder, string Source, long Length, DateTime ChangedAt);

/// <summary>The folder into which outcome files are dropped: inbox/audience/file or inbox/audience/source/file.</summary>
internal static class OutcomeInbox
{
    private const string Taken = "taken";
    private const string Refused = "refused";

    /// <summary>Files that nobody says he is still writing (*.tmp, *.part, names that begin with a dot).</summary>
    public static IReadOnlyList<DroppedFile> Files(string inbox, string source)
    {
        if (!Directory.Exists(inbox))
        {
            return [];
        }
        return
        [
            .. from audience in Directory.EnumerateDirectories(inbox).Order(StringComparer.Ordinal)
               from place in Directory.EnumerateDirectories(audience).Order(StringComparer.Ordinal).Where(IsSource).Prepend(audience)
               from file in new DirectoryInfo(place).EnumerateFiles().OrderBy(f => f.Name, StringComparer.Ordinal)
               where !file.Name.StartsWith('.') && file.LinkTarget is null && file.Extension is not (".tmp" or ".part")
               select new DroppedFile(file.FullName, Path.GetFileName(audience), place == audience ? source : Path.GetFileName(place), file.Length, file.LastWriteTimeUtc),
        ];
    }

    /// <summary>Moves a file beside the others whose events were counted.</summary>
    public static void Take(DroppedFile file) => Move(file, Taken, "");

    /// <summary>How often a file with these bytes was refused here: dropped again, it is tried again.</summary>
    public static int Refusals(DroppedFile file, string hash) =>
        Directory.Exists(Beside(file, Refused)) ? Directory.GetFiles(Beside(file, Refused), $"*.{hash[..16]}-*.txt").Length : 0;

    /// <summary>Moves a file beside the others that were refused, with the reason as a text of the same name.</summary>
    public static void Refuse(DroppedFile file, string hash, string sentence)
    {
        Directory.CreateDirectory(Beside(file, Refused));
        var suffix = $".{hash[..16]}-{Refusals(file, hash) + 1}";
        DurableFile.WriteText(Path.Combine(Beside(file, Refused), $"{Path.GetFileName(file.Path)}{suffix}.txt"), sentence + "\n");
        Move(file, Refused, suffix);
    }

    private static bool IsSource(string folder) => Path.GetFileName(folder) is var name && name is not (Taken or Refused) && !name.StartsWith('.');

    private static string Beside(DroppedFile file, string folder) => Path.Combine(Path.GetDirectoryName(file.Path)!, folder);

    // A name that was used before keeps its file: this one gets a number.
    private static void Move(DroppedFile file, string folder, string suffix)
    {
        var target = Directory.CreateDirectory(Beside(file, folder)).FullName;
        var name = Path.GetFileName(file.Path) + suffix;
        var path = Path.Combine(target, name);
        for (var number = 2; File.Exists(path); number++)
        {
            path = Path.Combine(target, $"{number}-{name}");
        }
        File.Move(file.Path, path);
    }
}
