using System.Globalization;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Exporting;

namespace Pimm.Core.Safekeeping;

/// <summary>What the folder of lists should hold, by the database.</summary>
/// <param name="Missing">known to the database, not there as they were written</param>
/// <param name="Orphans">there, and unknown to the database</param>
public sealed record ExportFileReport(IReadOnlyList<string> Missing, IReadOnlyList<string> Orphans);

/// <summary>The audience lists: files that the database points to.</summary>
public sealed class ExportFiles(IOptions<ExportingOptions> options)
{
    public string Folder => Path.GetFullPath(options.Value.Folder);

    /// <summary>Copies every list into a backup, but for those that retention removes meanwhile. After the dump: the database then never points to a file that the backup lacks.</summary>
    public async Task<IReadOnlyList<BackupFile>> CopyAsync(string backup, CancellationToken cancellationToken)
    {
        var files = new List<BackupFile>();
        foreach (var path in KeptFiles.List(Folder))
            if (await TryCopyAsync(Path.Combine(Folder, path), backup, path, cancellationToken) is { } file)
                files.Add(file);
        return files;
    }

    private static async Task<BackupFile?> TryCopyAsync(string from, string backup, string path, CancellationToken cancellationToken)
    {
        try
        {
            return await KeptFiles.CopyAsync(from, backup, $"{BackupManifest.ExportsName}/{path}", cancellationToken);
        }
        catch (FileNotFoundException) when (!File.Exists(from))
        {
            return null;
        }
    }

    /// <summary>Puts the lists of a backup back. A file of the same name and other contents stays beside it under another name.</summary>
    /// <returns>how many were written, and the names that older files have now</returns>
    public async Task<(int Written, IReadOnlyList<string> PutAside)> RestoreAsync(string backup, IReadOnlyList<BackupFile> files, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var (written, aside) = (0, new List<string>());
        foreach (var file in files.Where(file => file.Path.StartsWith(BackupManifest.ExportsName + "/", StringComparison.Ordinal)))
        {
            var path = file.Path[(BackupManifest.ExportsName.Length + 1)..];
            var target = Path.Combine(Folder, path);
            if (File.Exists(target))
            {
                if ((await KeptFiles.DescribeAsync(Folder, path, cancellationToken)).Sha256 == file.Sha256)
                    continue;
                var older = string.Create(CultureInfo.InvariantCulture, $"{path}.before-{at:yyyyMMdd'T'HHmmss}");
                File.Move(target, Path.Combine(Folder, older));
                aside.Add(older);
            }
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Delete(target + ".tmp");
            await KeptFiles.CopyAsync(Path.Combine(backup, file.Path), Folder, path + ".tmp", cancellationToken);
            File.Move(target + ".tmp", target);
            written++;
        }
        return (written, aside);
    }

    /// <param name="connection">the database that knows the lists; a transaction that is open there decides what is seen</param>
    /// <param name="hashes">the files that are there, by path</param>
    public static async Task<ExportFileReport> CompareAsync(NpgsqlConnection connection, IReadOnlyDictionary<string, string> hashes, CancellationToken cancellationToken)
    {
        if (!await connection.ExecuteScalarAsync<bool>(new CommandDefinition("select to_regclass('export') is not null", cancellationToken: cancellationToken)))
            return new ExportFileReport([], [.. hashes.Keys.Order(StringComparer.Ordinal)]);
        var removable = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(HasRemoval, cancellationToken: cancellationToken));
        var beside = await connection.ExecuteScalarAsync<bool>(new CommandDefinition("select to_regclass('export_file') is not null", cancellationToken: cancellationToken));
        var known = (await connection.QueryAsync<(string Name, string Sha256)>(new CommandDefinition(
            SelectKnown + (removable ? " where file_removed_at is null" : "") + (beside ? SelectBeside : ""), cancellationToken: cancellationToken))).ToList();
        var all = (await connection.QueryAsync<string>(new CommandDefinition(
            "select file_name from export" + (beside ? " union all select file_name from export_file" : ""), cancellationToken: cancellationToken))).ToHashSet(StringComparer.Ordinal);
        return new ExportFileReport(
            [.. known.Where(list => hashes.GetValueOrDefault(list.Name) != list.Sha256).Select(list => list.Name).Order(StringComparer.Ordinal)],
            [.. hashes.Keys.Where(path => !all.Contains(path)).Order(StringComparer.Ordinal)]);
    }

    // Older databases have no retention of lists.
    private const string HasRemoval =
        "select exists (select from pg_attribute where attrelid = 'export'::regclass and attname = 'file_removed_at' and not attisdropped)";

    private const string SelectKnown = "select file_name as name, encode(sha256, 'hex') as sha256 from export";

    // A replaced list is on its way out: its absence is no loss.
    private const string SelectBeside = " union all select file_name, encode(sha256, 'hex') from export_file where file_removed_at is null and part <> 'replaced'";
}
