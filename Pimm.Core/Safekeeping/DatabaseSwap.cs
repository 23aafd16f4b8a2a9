using System.Globalization;
using System.Text.RegularExpressions;
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

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private readonly NpgsqlDataSource server;
    private readonly string name;
    private readonly string stamp;
    private NpgsqlConnection? only;

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
        only = await server.OpenConnectionAsync(cancellationToken);
        if (!await only.ExecuteScalarAsync<bool>("select pg_try_advisory_lock(hashtextextended('pimm restore ' || @name, 0))", new { name }))
            throw new InputException($"Another restore into {name} is at work: wait until it has ended.");
        await RefuseWhileUsedAsync(connection);
        await DropLeftoversAsync(connection);
        var like = await connection.QuerySingleAsync<(string Collation, string Type)>(SelectLike, new { name });
        await connection.ExecuteAsync($"create database {Quoted(Fresh)} template template0 encoding 'UTF8' lc_collate '{like.Collation}' lc_ctype '{like.Type}'");
        await connection.ExecuteAsync($"revoke all on database {Quoted(Fresh)} from public; grant connect, temporary on database {Quoted(Fresh)} to {Quoted(appRole)}");
    }

    /// <returns>the name that the database from before has now; null: there was none</returns>
    public async Task<string?> ExchangeAsync(bool exists, CancellationToken cancellationToken)
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
        return exists ? before : null;
    }

    public Task DropFreshAsync() => DropAsync(Fresh);

    public async Task DropAsync(string database)
    {
        await using var connection = await server.OpenConnectionAsync(CancellationToken.None);
        await connection.ExecuteAsync($"drop database if exists {Quoted(database)} with (force)");
    }

    /// <summary>What restores that were killed have left; none is at work, because this one is.</summary>
    private async Task DropLeftoversAsync(NpgsqlConnection connection)
    {
        var pattern = $"^{Regex.Escape(Fresh[..^stamp.Length])}[0-9]{{8}}t[0-9]{{6}}\\z";
        foreach (var found in (await connection.QueryAsync<string>("select datname from pg_database where pg_has_role(datdba, 'usage')")).ToList())
            if (Regex.IsMatch(found, pattern, RegexOptions.CultureInvariant))
                await connection.ExecuteAsync($"drop database if exists {Quoted(found)} with (force)");
    }

    /// <summary>A connection that was closed a moment ago is still seen for another.</summary>
    private async Task RefuseWhileUsedAsync(NpgsqlConnection connection)
    {
        List<string> users = [];
        for (var waited = TimeSpan.Zero; waited < Patience; waited += Poll)
        {
            users = [.. await connection.QueryAsync<string>(SelectUsers, new { name })];
            if (users.Count == 0)
                return;
            await Task.Delay(Poll);
        }
        throw new InputException($"The database {name} is in use by {string.Join(", ", users)}: stop them (./pimm down), then restore again.");
    }

    private string Named(string word)
    {
        var suffix = $"_{word}_{stamp}";
        return name[..Math.Min(name.Length, LongestName - suffix.Length)] + suffix;
    }

    private static string Quoted(string identifier) => $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public async ValueTask DisposeAsync()
    {
        if (only is not null)
            await only.DisposeAsync();
        await server.DisposeAsync();
    }

    private const string SelectLike =
        """
        select d.datcollate, d.datctype from pg_database d
         where d.datname in (@name, 'template0') order by (d.datname = @name) desc limit 1
        """;

    // Of other roles' sessions only a superuser sees more than the role.
    private const string SelectUsers =
        """
        select format('%s × %s', count(*), coalesce(nullif(application_name, ''), usename))
          from pg_stat_activity
         where datname = @name and usename is not null and coalesce(backend_type, 'client backend') = 'client backend'
         group by coalesce(nullif(application_name, ''), usename)
        """;
}
