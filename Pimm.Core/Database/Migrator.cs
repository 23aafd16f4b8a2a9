using Dapper;
using Npgsql;

namespace Pimm.Core.Database;

/// <summary>What a run of the migrator did.</summary>
/// <param name="Applied">names of the files applied now, in order</param>
/// <param name="Known">number of files that the database has now</param>
public sealed record MigrationReport(IReadOnlyList<string> Applied, int Known);

/// <summary>Brings a schema up to date: numbered SQL files, forward only, each once and in its own transaction.</summary>
public static class Migrator
{
    // Any constant will do, as long as every version of Pimm uses the same.
    private const long LockKey = 0x50494D4D;

    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(100);

    /// <summary>The files that lie beside the assembly.</summary>
    public static string DefaultFolder => Path.Combine(AppContext.BaseDirectory, "migrations");

    /// <summary>
    /// Applies what is missing and grants <paramref name="appRole"/> its rights on all tables (DML only). Several at once wait for each other.
    /// </summary>
    /// <param name="owner">connections of the role that owns the tables</param>
    /// <param name="appRole">null or the owner itself: nothing is granted</param>
    /// <param name="beforeChange">called when something is missing, while nobody else migrates; an exception leaves the schema as it is</param>
    /// <exception cref="InputException">an applied file was edited, the database is newer, or a file is misnamed</exception>
    /// <exception cref="DatabaseException">a file failed; it left nothing behind and the next run tries it again</exception>
    public static async Task<MigrationReport> RunAsync(NpgsqlDataSource owner, string folder, string? appRole, CancellationToken cancellationToken, Func<Task>? beforeChange = null)
    {
        var files = MigrationFile.ReadFolder(folder);
        await using var connection = await owner.OpenConnectionAsync(cancellationToken);
        await TakeLockAsync(connection, cancellationToken);
        try
        {
            await connection.ExecuteAsync(CreateTable);
            var applied = (await connection.QueryAsync<AppliedMigration>(SelectApplied)).ToList();
            var missing = Compare(files, applied);
            if (missing.Count > 0 && beforeChange is not null)
                await beforeChange();
            foreach (var file in missing)
                await ApplyAsync(connection, file, cancellationToken);
            await AppRights.GrantAsync(connection, appRole, cancellationToken);
            return new MigrationReport([.. missing.Select(file => file.Name)], files.Count);
        }
        finally
        {
            await connection.ExecuteAsync("select pg_advisory_unlock(@LockKey)", new { LockKey });
        }
    }

    /// <summary>Names of the files that the database still lacks; needs no right but to read.</summary>
    /// <exception cref="InputException">as <see cref="RunAsync"/></exception>
    public static async Task<IReadOnlyList<string>> MissingAsync(NpgsqlDataSource database, string folder, CancellationToken cancellationToken)
    {
        var files = MigrationFile.ReadFolder(folder);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var exists = await connection.ExecuteScalarAsync<bool>("select to_regclass('migration') is not null");
        var applied = exists ? (await connection.QueryAsync<AppliedMigration>(SelectApplied)).ToList() : [];
        return [.. Compare(files, applied).Select(file => file.Name)];
    }

    private static List<MigrationFile> Compare(IReadOnlyList<MigrationFile> files, IReadOnlyList<AppliedMigration> applied)
    {
        var byNumber = files.ToDictionary(file => file.Number);
        foreach (var row in applied)
        {
            if (!byNumber.TryGetValue(row.Number, out var file))
                throw new InputException($"The database has migration {row.Name}, which this version of Pimm does not know: run a version at least as new as the database.");
            if (file.Sha256 != row.Sha256)
                throw new InputException($"The migration {file.Name} was edited after it had been applied (SHA-256 {file.Sha256[..12]}…, applied {row.Sha256[..12]}…): restore the file and put the change in a new migration.");
        }

        var newest = applied.Count == 0 ? 0 : applied.Max(row => row.Number);
        var missing = files.Where(file => applied.All(row => row.Number != file.Number)).ToList();
        if (missing.FirstOrDefault(file => file.Number < newest) is { } late)
            throw new InputException($"The migration {late.Name} comes before number {newest:0000}, which the database has already: give it the next free number.");
        return missing;
    }

    // Polled, not waited for in one statement: a waiting statement would hold a snapshot and run into lock_timeout.
    private static async Task TakeLockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        while (!await connection.ExecuteScalarAsync<bool>("select pg_try_advisory_lock(@LockKey)", new { LockKey }))
            await Task.Delay(LockPoll, cancellationToken);
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, MigrationFile file, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            await using (var command = new NpgsqlCommand(file.Sql, connection, transaction))
                await command.ExecuteNonQueryAsync(cancellationToken);
            await connection.ExecuteAsync(InsertApplied, new { file.Number, file.Name, file.Sha256 }, transaction);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException e)
        {
            throw new DatabaseException(
                $"The migration {file.Name} failed and left nothing behind: {e.MessageText} (SQLSTATE {e.SqlState}): correct it and migrate again.", isTransient: false, e);
        }
    }

    private sealed record AppliedMigration(int Number, string Name, string Sha256);

    private const string CreateTable = """
        create table if not exists migration (
          number int primary key,
          name text not null,
          sha256 text not null,
          applied_at timestamptz not null default clock_timestamp())
        """;

    private const string SelectApplied = "select number, name, sha256 from migration order by number";

    private const string InsertApplied = "insert into migration (number, name, sha256) values (@Number, @Name, @Sha256)";
}
