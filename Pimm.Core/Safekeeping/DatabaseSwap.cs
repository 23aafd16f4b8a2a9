using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Safekeeping;

/// <summary>
/// A restored database takes the place of the one in use by exchanging their names in one transaction: until then nothing has
/// happened to it, and afterwards it is still there.
/// </summary>
internal sealed class DatabaseSwap : IAsyncDisposable
{
    private const int LongestName = 63;
    private const int LooksBeforeRefusal = 15;

    private static readonly TimeSpan TimeBetweenLooks = TimeSpan.FromMilliseconds(200);

    private readonly NpgsqlDataSource server;
    private readonly string name;
    private readonly string stamp;

    public DatabaseSwap(DatabaseOptions options, DateTimeOffset at)
    {
        var settings = new NpgsqlConnectionStringBuilder(DataSources.OwnerConnectionString(options));
        name = settings.Database ?? "";
        stamp = at.ToString("yyyyMMdd'T'HHmmss", CultureInfo.InvariantCulture).ToLowerInvariant();
        Fresh = Named("restoring");
        // A database cannot be renamed by whoever is connected to it.
        settings.Database = "postgres";
        settings.Pooling = false;
        server = NpgsqlDataSource.Create(settings);
    }

    /// <summary>Name of the database that is restored into.</summary>
    public string Fresh { get; }

    public async Task<bool> TargetExistsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await server.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<bool>("select exists (select from pg_database where datname = @name)", new { name });
    }

    /// <exception cref="InputException">somebody is connected to the database, or the role may not create one</exception>
    public async Task PrepareAsync(string appRole, CancellationToken cancellationToken)
    {
        await using var connection = await server.OpenConnectionAsync(cancellationToken);
        if (!await connection.ExecuteScalarAsync<bool>("select rolcreatedb or rolsuper from pg_roles where rolname = current_user"))
            throw new InputException("The role of Database:OwnerConnectionString may not create databases, and a restore goes into a fresh one: as administrator, run \"alter role … createdb\".");
        await RefuseWhileUsedAsync(connection);
        await connection.ExecuteAsync($"drop database if exists {Quoted(Fresh)}");
        var like = await connection.QuerySingleAsync<(string Collation, string Type)>(SelectLike, new { name });
        await connection.ExecuteAsync($"create database {Quoted(Fresh)} template template0 encoding 'UTF8' lc_collate '{like.Collation}' lc_ctype '{like.Type}'");
        await connection.ExecuteAsync($"revoke all on database {Quoted(Fresh)} from public; grant connect, temporary on database {Quoted(Fresh)} to {Quoted(appRole)}");
    }

    /// <param name="keep">false: the database from before has nothing in it and goes</param>
    /// <returns>the name it has now, or null</returns>
    public async Task<string?> ExchangeAsync(bool exists, bool keep, CancellationToken cancellationToken)
    {
        await using var connection = await server.OpenConnectionAsync(cancellationToken);
        var before = Named("before");
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            if (exists)
                await connection.ExecuteAsync($"alter database {Quoted(name)} rename to {Quoted(before)}", transaction: transaction);
            await connection.ExecuteAsync($"alter database {Quoted(Fresh)} rename to {Quoted(name)}", transaction: transaction);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ObjectInUse)
        {
            await RefuseWhileUsedAsync(connection);
            throw;
        }
        if (exists && !keep)
            await connection.ExecuteAsync($"drop database {Quoted(before)}");
        return exists && keep ? before : null;
    }

    public async Task DropFreshAsync()
    {
        await using var connection = await server.OpenConnectionAsync(CancellationToken.None);
        await connection.ExecuteAsync($"drop database if exists {Quoted(Fresh)} with (force)");
    }

    private async Task RefuseWhileUsedAsync(NpgsqlConnection connection)
    {
        // Whoever has just left is still seen for a moment.
        var users = new List<string>();
        for (var look = 0; look < LooksBeforeRefusal; look++)
        {
            users = [.. await connection.QueryAsync<string>(SelectUsers, new { name })];
            if (users.Count == 0)
                return;
            await Task.Delay(TimeBetweenLooks);
        }
        throw new InputException($"The database {name} is in use by {string.Join(", ", users)}: stop them (./pimm down), then restore again.");
    }

    private string Named(string word)
    {
        var suffix = $"_{word}_{stamp}";
        return name[..Math.Min(name.Length, LongestName - suffix.Length)] + suffix;
    }

    private static string Quoted(string identifier) => $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private const string SelectLike =
        """
        select d.datcollate, d.datctype from pg_database d
         where d.datname in (@name, 'template0') order by (d.datname = @name) desc limit 1
        """;

    private const string SelectUsers =
        """
        select format('%s × %s', count(*), coalesce(nullif(application_name, ''), usename, 'a background process'))
          from pg_stat_activity where datname = @name and backend_type = 'client backend' group by coalesce(nullif(application_name, ''), usename, 'a background process')
        """;
}
