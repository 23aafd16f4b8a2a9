using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Database;

namespace Pimm.Core.Safekeeping;

/// <summary>
/// Hashes first, then into a fresh database, counted, summed and brought up to date there, then into the place of the old one. Whatever
/// goes wrong before that leaves the database in use as it was; what goes wrong with the lists afterwards is told with where everything is.
/// </summary>
public sealed class BackupRestorer(
    IOptions<DatabaseOptions> database, PostgresTools tools, ExportFiles exports, AuditVerifier audit, TimeProvider time)
{
    /// <exception cref="InputException">no whole backup, a database that holds something (without force) or is in use, missing rights or roles</exception>
    /// <exception cref="InvalidOperationException">what came out is not what the manifest says; nothing was changed</exception>
    public async Task<RestoreReport> RestoreAsync(RestoreRequest request, Action<string> progress, CancellationToken cancellationToken)
    {
        var (started, at) = (time.GetTimestamp(), time.GetUtcNow());
        var folder = Path.GetFullPath(request.Folder);
        var manifest = await BackupManifest.ReadAsync(folder, cancellationToken);
        progress($"Checking the hashes of {manifest.Files.Count} files.");
        await KeptFiles.VerifyAsync(folder, manifest.Files, cancellationToken);

        await using var swap = new DatabaseSwap(database.Value, at);
        var exists = await swap.TargetExistsAsync(cancellationToken);
        if (exists && !request.Force && await IsUsedAsync(null, cancellationToken))
            throw new InputException("The database holds something already: restore into an empty one, or add --force, which keeps it under another name.");
        await swap.PrepareAsync(database.Value.AppRole, cancellationToken);
        try
        {
            progress($"Restoring {manifest.Rows:N0} rows of {manifest.SnapshotAt:yyyy-MM-dd HH:mm:ss} UTC into a fresh database.");
            var (indexes, migrated, rested) = await FillAsync(swap.Fresh, folder, manifest, progress, cancellationToken);
            var before = await swap.ExchangeAsync(exists, cancellationToken);
            var kept = before is null || await DroppedAsync(swap, before) ? null : before;
            var (lists, (written, aside)) = await FinishAsync(folder, manifest, at, kept, progress);
            return new RestoreReport(
                manifest.Database, kept, manifest.Tables.Count, manifest.Rows, indexes, written, aside, lists, migrated, rested, manifest.SnapshotAt,
                (at - manifest.SnapshotAt).TotalSeconds, time.GetElapsedTime(started).TotalSeconds);
        }
        catch
        {
            await swap.DropFreshAsync();
            throw;
        }
    }

    /// <param name="name">null: the database in use</param>
    private async Task<bool> IsUsedAsync(string? name, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(DataSources.OwnerConnectionString(database.Value)) { Pooling = false };
        settings.Database = name ?? settings.Database;
        await using var owner = NpgsqlDataSource.Create(settings);
        return await DatabaseUse.IsUsedAsync(owner, cancellationToken);
    }

    /// <summary>A database with nothing in it is not kept. A restore takes hours, so that is asked when nobody can reach it any more.</summary>
    private async Task<bool> DroppedAsync(DatabaseSwap swap, string before)
    {
        try
        {
            if (await IsUsedAsync(before, CancellationToken.None))
                return false;
            await swap.DropAsync(before);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task<(string Indexes, IReadOnlyList<string> Migrated, RestedSchedules Rested)> FillAsync(
        string fresh, string folder, BackupManifest manifest, Action<string> progress, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(DataSources.OwnerConnectionString(database.Value)) { Database = fresh, Pooling = false, CommandTimeout = 0 };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        foreach (var role in new[] { manifest.Owner, manifest.AppRole }.Distinct())
            if (!await connection.ExecuteScalarAsync<bool>("select exists (select from pg_roles where rolname = @role)", new { role }))
                throw new InputException($"The backup gives rights to the role {role}, which this server does not have: as administrator, run \"create role {role} login\".");
        // Straight into the database: no script of a dump is ever run by psql.
        await tools.RunAsync("pg_restore", connection.PostgreSqlVersion.Major, settings,
            ["--exit-on-error", "--no-owner", "--no-password", "--jobs=2", $"--dbname={fresh}", Path.Combine(folder, BackupManifest.DumpName)], cancellationToken);

        progress("Counting and summing the restored rows.");
        var differences = TableSums.Differences(manifest.Tables, await TableSums.ReadAsync(connection, cancellationToken));
        if (differences.Count > 0)
            throw new InvalidOperationException($"The restored database is not what the backup's manifest says ({string.Join("; ", differences.Take(5))}): nothing was changed, restore another backup.");
        var indexes = await RestoredDatabase.CheckAsync(connection, cancellationToken);
        await using var owner = NpgsqlDataSource.Create(settings);
        var migrated = await Migrator.RunAsync(owner, Migrator.DefaultFolder, database.Value.AppRole, cancellationToken);
        var rested = await RestoredDatabase.RestAsync(connection, cancellationToken);
        await AuditLog.AddAsync(connection, new AuditEntry(
            AuditActor.CommandLine, "backup.restore", "backup", Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), After: new { folder, manifest.SnapshotAt, manifest.Rows, rested.DisabledSchedules }));
        await connection.ExecuteAsync(new CommandDefinition("analyze", commandType: System.Data.CommandType.Text, cancellationToken: cancellationToken));
        return (indexes, migrated.Applied, rested);
    }

    /// <summary>The database is in use by now, so nothing interrupts the rest.</summary>
    private async Task<(ExportFileReport Lists, (int, IReadOnlyList<string>) Files)> FinishAsync(
        string folder, BackupManifest manifest, DateTimeOffset at, string? kept, Action<string> progress)
    {
        try
        {
            await audit.NoteHeadAsync(restored: true, CancellationToken.None);
            progress("Putting the audience lists back.");
            var files = await exports.RestoreAsync(folder, manifest.Files, at, CancellationToken.None);
            return (await CompareListsAsync(CancellationToken.None), files);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"The database was restored{(kept is null ? "" : $" (the one before is kept as {kept})")}, but not all audience lists are back: {e.Message} "
                + $"Put that right and copy the files of {Path.Combine(folder, BackupManifest.ExportsName)} to {exports.Folder}; the database needs no second restore.", e);
        }
    }

    private async Task<ExportFileReport> CompareListsAsync(CancellationToken cancellationToken)
    {
        await using var owner = DataSources.ForOwner(database.Value);
        await using var connection = await owner.OpenConnectionAsync(cancellationToken);
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in KeptFiles.List(exports.Folder))
            hashes[path] = (await KeptFiles.DescribeAsync(exports.Folder, path, cancellationToken)).Sha256;
        return await ExportFiles.CompareAsync(connection, hashes, cancellationToken);
    }
}
