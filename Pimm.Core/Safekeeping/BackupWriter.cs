using System.Globalization;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Database;
using Pimm.Core.Queueing;

namespace Pimm.Core.Safekeeping;

/// <summary>A backup that is wanted.</summary>
/// <param name="Folder">a folder that does not exist yet; null: one named by the time, in Backup:Folder, where the oldest then go</param>
/// <param name="Prefix">first word of such a name</param>
public sealed record BackupRequest(string? Folder = null, string Prefix = "pimm");

/// <summary>A backup that was written.</summary>
/// <param name="Removed">older ones that went, as Backup:Keep says</param>
public sealed record WrittenBackup(string Folder, BackupManifest Manifest, double Seconds, IReadOnlyList<string> Removed);

/// <summary>
/// Dump, row counts and checksums of one snapshot, then the lists, then the manifest, in a folder that gets its name when it is
/// whole and on disk. Others go on reading and writing meanwhile.
/// </summary>
public sealed class BackupWriter(
    IOptions<DatabaseOptions> database, IOptions<BackupOptions> options, PostgresTools tools, ExportFiles exports, TimeProvider time)
{
    /// <summary>The sessions of one database take their backups one after the other.</summary>
    internal const long LockKey = 0x50494D42;

    private const string Unfinished = ".tmp";

    // ENOSPC of Linux, which .NET hands on as it is.
    private const int NoSpaceLeft = 28;

    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(200);

    /// <exception cref="InputException">the folder exists or cannot be written, or pg_dump is missing</exception>
    /// <exception cref="InvalidOperationException">the backup failed; nothing that looks like one is left</exception>
    public async Task<WrittenBackup> WriteAsync(BackupRequest request, Action<string> progress, CancellationToken cancellationToken)
    {
        options.Value.Validate();
        var started = time.GetTimestamp();
        await using var owner = DataSources.ForOwner(database.Value);
        await using var connection = await owner.OpenConnectionAsync(cancellationToken);
        while (!await connection.ExecuteScalarAsync<bool>("select pg_try_advisory_lock(@LockKey)", new { LockKey }))
            await Task.Delay(LockPoll, time, cancellationToken);

        var folder = FolderOf(request);
        var manifest = await WriteWholeAsync(folder, connection, progress, cancellationToken);
        var seconds = time.GetElapsedTime(started).TotalSeconds;
        await BackupStore.AddAsync(connection, new BackupRecord(folder, manifest.SnapshotAt, manifest.FinishedAt, manifest.Bytes, seconds), cancellationToken);
        if (await AuditLog.ExistsAsync(connection))
            await AuditLog.AddAsync(connection, new AuditEntry(
                AuditActor.CommandLine, "backup.write", "backup", Path.GetFileName(folder), After: new { folder, manifest.SnapshotAt, manifest.Rows, manifest.Bytes }));
        var removed = request.Folder is null ? BackupFolders.RemoveOldest(Path.GetFullPath(options.Value.Folder), options.Value.Keep) : [];
        return new WrittenBackup(folder, manifest, seconds, removed);
    }

    private string FolderOf(BackupRequest request)
    {
        var folder = Path.GetFullPath(request.Folder
            ?? Path.Combine(options.Value.Folder, string.Create(CultureInfo.InvariantCulture, $"{request.Prefix}-{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}")));
        var taken = new[] { folder, folder + Unfinished }.FirstOrDefault(path => File.Exists(path) || (Directory.Exists(path) && !IsInterrupted(path)));
        return taken is null ? folder : throw new InputException($"{taken} exists already: name a folder that does not.");

        // What a backup that was killed has left holds nothing else.
        bool IsInterrupted(string path) => path != folder && new DirectoryInfo(path).LinkTarget is null && Directory.EnumerateFileSystemEntries(path)
            .All(entry => Path.GetFileName(entry) is BackupManifest.DumpName or BackupManifest.ExportsName or BackupManifest.FileName);
    }

    private async Task<BackupManifest> WriteWholeAsync(string folder, NpgsqlConnection connection, Action<string> progress, CancellationToken cancellationToken)
    {
        var unfinished = folder + Unfinished;
        try
        {
            if (Directory.Exists(unfinished))
                Directory.Delete(unfinished, recursive: true);
            Directory.CreateDirectory(unfinished);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var manifest = await FillAsync(unfinished, connection, progress, cancellationToken);
            FaultPoint.Reach("backup.written");
            Directory.Move(unfinished, folder);
            return manifest;
        }
        catch (Exception e)
        {
            if (Directory.Exists(unfinished))
                Directory.Delete(unfinished, recursive: true);
            if (e is UnauthorizedAccessException)
                throw new InputException($"The backup cannot be written to {folder} ({e.Message}): give this user the right to, or set Backup__Folder.", e);
            var isFull = e is IOException { HResult: NoSpaceLeft } || e.Message.Contains("No space left", StringComparison.Ordinal);
            if (e is IOException || isFull)
                throw new InvalidOperationException($"The backup in {folder} failed and was removed ({e.Message}): {(isFull ? "make room there" : "put that right")} or set Backup__Folder, then try again.", e);
            throw;
        }
    }

    private async Task<BackupManifest> FillAsync(string folder, NpgsqlConnection connection, Action<string> progress, CancellationToken cancellationToken)
    {
        // The transaction idles while pg_dump, which shares its snapshot, is still at work.
        await connection.ExecuteAsync("set idle_in_transaction_session_timeout = 0");
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        var (snapshot, at, role) = await connection.QuerySingleAsync<(string, DateTime, string)>("select pg_export_snapshot(), clock_timestamp(), current_user::text");
        progress("Dumping the database, and counting and summing its rows in the same snapshot.");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var dump = DumpAsync(folder, connection, snapshot, stop.Token);
        var reading = ReadAsync(connection, dump, stop, cancellationToken);
        await Task.WhenAll(dump, reading);
        var (tables, migrations) = await reading;

        progress("Copying the audience lists.");
        FaultPoint.Reach("backup.dumped");
        var lists = await exports.CopyAsync(folder, cancellationToken);
        var report = await ExportFiles.CompareAsync(connection, lists.ToDictionary(file => file.Path[(BackupManifest.ExportsName.Length + 1)..], file => file.Sha256), cancellationToken);
        await transaction.RollbackAsync(cancellationToken);
        var manifest = new BackupManifest(
            1, PimmCore.Version, connection.PostgreSqlVersion.ToString(), connection.Database, role, database.Value.AppRole,
            new DateTimeOffset(at, TimeSpan.Zero), time.GetUtcNow(), migrations, tables,
            [await KeptFiles.DescribeAsync(folder, BackupManifest.DumpName, cancellationToken), .. lists], report.Missing);
        await manifest.WriteAsync(folder, cancellationToken);
        return manifest;
    }

    private async Task DumpAsync(string folder, NpgsqlConnection connection, string snapshot, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(DataSources.OwnerConnectionString(database.Value));
        var file = Path.Combine(folder, BackupManifest.DumpName);
        var major = connection.PostgreSqlVersion.Major;
        // The custom format only: a plain dump is a script, which a restore would run as such.
        await tools.RunAsync("pg_dump", major, settings,
            ["--format=custom", $"--snapshot={snapshot}", "--lock-wait-timeout=60s", "--no-password", $"--file={file}"], cancellationToken);
        await tools.RunAsync("pg_restore", major, settings, ["--list", "--file=/dev/null", file], cancellationToken);
    }

    private static async Task<(IReadOnlyList<TableSum> Tables, IReadOnlyList<string> Migrations)> ReadAsync(
        NpgsqlConnection connection, Task dump, CancellationTokenSource stop, CancellationToken cancellationToken)
    {
        try
        {
            var tables = await TableSums.ReadAsync(connection, cancellationToken);
            var migrated = await connection.ExecuteScalarAsync<bool>("select to_regclass('migration') is not null");
            return (tables, migrated ? [.. await connection.QueryAsync<string>("select name from migration order by number")] : []);
        }
        catch when (!dump.IsCompleted)
        {
            // Its snapshot is gone.
            await stop.CancelAsync();
            throw;
        }
    }
}
