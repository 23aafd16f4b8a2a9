using System.Text.Json;

namespace Pimm.Core.Safekeeping;

/// <summary>A file of a backup.</summary>
/// <param name="Path">below the backup's folder, with forward slashes</param>
/// <param name="Sha256">lower-case hex</param>
public sealed record BackupFile(string Path, long Bytes, string Sha256);

/// <summary>What a backup is, in manifest.json: written last, so a folder that has one is whole.</summary>
/// <param name="Format">1</param>
/// <param name="Pimm">version that wrote it</param>
/// <param name="Server">version of PostgreSQL</param>
/// <param name="Owner">role that owned the tables</param>
/// <param name="AppRole">role that the dump grants rights to</param>
/// <param name="SnapshotAt">the moment that the database is kept as of, by its own clock</param>
/// <param name="Migrations">names of the files that the database had</param>
/// <param name="Tables">of the same snapshot as the dump</param>
/// <param name="MissingExports">lists that the database knew and the folder did not hold as they were written</param>
public sealed record BackupManifest(
    int Format, string Pimm, string Server, string Database, string Owner, string AppRole, DateTimeOffset SnapshotAt, DateTimeOffset FinishedAt,
    IReadOnlyList<string> Migrations, IReadOnlyList<TableSum> Tables, IReadOnlyList<BackupFile> Files, IReadOnlyList<string> MissingExports)
{
    public const string FileName = "manifest.json";
    public const string DumpName = "database.dump";
    public const string ExportsName = "exports";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public long Rows => Tables.Sum(table => table.Rows);

    public long Bytes => Files.Sum(file => file.Bytes);

    /// <exception cref="InputException">no manifest, or one that this version cannot read</exception>
    public static async Task<BackupManifest> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new InputException($"{folder} holds no {FileName}, so it is no complete backup: name a folder that pimm backup has written.");
        try
        {
            await using var file = File.OpenRead(path);
            var manifest = await JsonSerializer.DeserializeAsync<BackupManifest>(file, Json, cancellationToken);
            return manifest is { Format: 1 } ? manifest
                : throw new InputException($"The backup in {folder} has the format {manifest?.Format}: restore it with the version of Pimm that wrote it.");
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} cannot be read ({e.Message}): take another backup.", e);
        }
    }

    public async Task WriteAsync(string folder, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(Path.Combine(folder, FileName), FileMode.CreateNew);
        await JsonSerializer.SerializeAsync(file, this, Json, cancellationToken);
        file.Flush(flushToDisk: true);
    }
}
