using Dapper;
using Npgsql;

namespace Pimm.Core.Safekeeping;

/// <summary>A backup that was finished.</summary>
/// <param name="Folder">where it was written, on the machine that wrote it</param>
/// <param name="Seconds">that it took</param>
public sealed record BackupRecord(string Folder, DateTimeOffset SnapshotAt, DateTimeOffset FinishedAt, long Bytes, double Seconds);

/// <summary>Which backups were taken. The rows outlive the folders, and a database restored from one does not know of it.</summary>
public sealed class BackupStore(NpgsqlDataSource database)
{
    /// <summary>The newest, or null.</summary>
    public async Task<BackupRecord?> NewestAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<BackupRecord>(new CommandDefinition(SelectNewest, cancellationToken: cancellationToken));
    }

    /// <summary>Adds a row where the database is new enough to have the table.</summary>
    public static async Task AddAsync(NpgsqlConnection connection, BackupRecord record, CancellationToken cancellationToken)
    {
        if (await connection.ExecuteScalarAsync<bool>(new CommandDefinition("select to_regclass('backup') is not null", cancellationToken: cancellationToken)))
            await connection.ExecuteAsync(new CommandDefinition(Insert, record, cancellationToken: cancellationToken));
    }

    private const string SelectNewest = "select folder, snapshot_at, finished_at, bytes, seconds from backup order by snapshot_at desc, id desc limit 1";

    private const string Insert = "insert into backup (folder, snapshot_at, finished_at, bytes, seconds) values (@Folder, @SnapshotAt, @FinishedAt, @Bytes, @Seconds)";
}
