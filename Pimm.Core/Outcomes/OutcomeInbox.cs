using System.Security.Cryptography;
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

    /// <summary>Null when the file is gone.</summary>
    public static async Task<string?> FindHashAsync(DroppedFile file, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = File.OpenRead(file.Path);
            return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Moves a file beside the others whose events were counted.</summary>
    /// <returns>false when it is gone, or no longer what was listed</returns>
    public static bool Take(DroppedFile file) => Move(file, Taken, "");

    /// <summary>Moves a file beside the others that were refused, with the reason as a text of the same name.</summary>
    /// <returns>false when it is gone, or no longer what was listed</returns>
    public static bool Refuse(DroppedFile file, string hash, string sentence)
    {
        Directory.CreateDirectory(Beside(file, Refused));
        var suffix = $".{hash[..16]}-{Directory.GetFiles(Beside(file, Refused), $"*.{hash[..16]}-*.txt").Length + 1}";
        var reason = Path.Combine(Beside(file, Refused), $"{Path.GetFileName(file.Path)}{suffix}.txt");
        DurableFile.WriteText(reason, sentence + "\n");
        if (Move(file, Refused, suffix))
        {
            return true;
        }
        File.Delete(reason);
        return false;
    }

    private static bool IsSource(string folder) => Path.GetFileName(folder) is var name && name is not (Taken or Refused) && !name.StartsWith('.');

    private static string Beside(DroppedFile file, string folder) => Path.Combine(Path.GetDirectoryName(file.Path)!, folder);

    // Moved first and looked at then: whoever writes to that name from now on makes another file.
    private static bool Move(DroppedFile file, string folder, string suffix)
    {
        var target = FreeName(Directory.CreateDirectory(Beside(file, folder)).FullName, Path.GetFileName(file.Path) + suffix);
        try
        {
            File.Move(file.Path, target);
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        var moved = new FileInfo(target);
        if (moved.Length == file.Length && moved.LastWriteTimeUtc == file.ChangedAt)
        {
            return true;
        }
        File.Move(target, FreeName(Path.GetDirectoryName(file.Path)!, Path.GetFileName(file.Path)));
        return false;
    }

    // A name that was used before keeps its file: this one gets a number.
    private static string FreeName(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        for (var number = 2; File.Exists(path); number++)
        {
            path = Path.Combine(folder, $"{number}-{name}");
        }
        return path;
    }
}
