using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Pimm.Core.Database;

/// <summary>One numbered SQL file, <c>0001_queueing.sql</c>.</summary>
/// <param name="Number">1 and up, unique</param>
/// <param name="Sha256">of the file's bytes, lower-case hex: an applied file is never edited</param>
public sealed partial record MigrationFile(int Number, string Name, string Sql, string Sha256)
{
    /// <summary>All files of a folder in the order of their numbers.</summary>
    /// <exception cref="InputException">no folder, a name that is not 000N_name.sql, or a number used twice</exception>
    public static IReadOnlyList<MigrationFile> ReadFolder(string folder)
    {
        if (!Directory.Exists(folder))
            throw new InputException($"The folder of migrations {folder} does not exist: build Pimm again.");

        var files = Directory.EnumerateFiles(folder, "*.sql").Select(Read).OrderBy(file => file.Number).ToList();
        foreach (var (first, second) in files.Zip(files.Skip(1)))
            if (first.Number == second.Number)
                throw new InputException($"The migrations {first.Name} and {second.Name} have the same number: renumber the newer one.");
        return files;
    }

    private static MigrationFile Read(string path)
    {
        var name = Path.GetFileName(path);
        var match = FileName().Match(name);
        if (!match.Success)
            throw new InputException($"The migration {name} is not named like 0001_name.sql: rename it.");
        var bytes = File.ReadAllBytes(path);
        return new MigrationFile(
            int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), name,
            Encoding.UTF8.GetString(bytes), Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    [GeneratedRegex(@"^(\d{4})_[a-z0-9_]+\.sql$")]
    private static partial Regex FileName();
}
