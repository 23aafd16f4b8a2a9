using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Operating;

/// <summary>The PostgreSQL server: can it be trusted with data, does the schema fit, are there connections enough.</summary>
public sealed class ServerHealth(NpgsqlDataSource database, IOptions<DatabaseOptions> options)
{
    /// <summary>Connections left to people with psql and to backups.</summary>
    private const int ConnectionsInReserve = 10;

    public async Task<IReadOnlyList<HealthFinding>> LookAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var settings = (await connection.QueryAsync<(string Name, string Value)>(new CommandDefinition(SelectSettings, cancellationToken: cancellationToken)))
            .ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal);
        // Not migrated yet, it has no list of workers.
        var workers = await connection.ExecuteScalarAsync<bool>("select to_regclass('worker') is not null")
            ? await connection.ExecuteScalarAsync<int>(new CommandDefinition(CountWorkers, cancellationToken: cancellationToken)) : 1;
        return
        [
            HealthFinding.Ok("database", $"PostgreSQL {connection.PostgreSqlVersion} at {connection.Host}:{connection.Port}, database {connection.Database}, user {connection.UserName}"),
            Durability(connection.PostgreSqlVersion.Major, settings),
            await MigrationsAsync(cancellationToken),
            Connections(int.Parse(settings["max_connections"], System.Globalization.CultureInfo.InvariantCulture), Math.Max(1, workers), options.Value),
            .. (await connection.QueryAsync<(string Name, string? Size)>(new CommandDefinition(SelectCopies, cancellationToken: cancellationToken)))
                .Select(copy => HealthFinding.Warning("copies", $"a restore left the database {copy.Name} ({copy.Size ?? "size unknown"}): drop it when nobody misses anything.")),
        ];
    }

    /// <summary>What a crash of the server may cost.</summary>
    internal static HealthFinding Durability(int version, IReadOnlyDictionary<string, string> settings)
    {
        if (version < 15)
            return HealthFinding.Failing("durability", $"PostgreSQL is {version}: Pimm needs 15 or later.");
        if (settings["fsync"] == "off")
            return HealthFinding.Failing("durability", "PostgreSQL runs with fsync = off and would lose data in a crash: switch it on in postgresql.conf.");
        var weak = new[] { ("full_page_writes", "off"), ("synchronous_commit", "off"), ("synchronous_commit", "local"), ("data_checksums", "off") }
            .Where(weakness => settings.GetValueOrDefault(weakness.Item1) == weakness.Item2).Select(weakness => $"{weakness.Item1} = {weakness.Item2}").ToList();
        return weak.Count == 0
            ? HealthFinding.Ok("durability", "fsync, full_page_writes, synchronous_commit and checksums are on")
            : HealthFinding.Warning("durability", $"PostgreSQL runs with {string.Join(", ", weak)}: what was committed last, or a damage, may go unnoticed in a crash; switch it on.");
    }

    /// <summary>One web process and the workers seen lately must find their connections, and a person with psql too.</summary>
    internal static HealthFinding Connections(int most, int workers, DatabaseOptions options)
    {
        var wanted = options.WebPoolSize + (workers * options.ConnectionsOfWorker);
        var arithmetic = $"one web process may hold {options.WebPoolSize} and each of {workers} workers {options.ConnectionsOfWorker}, {wanted} together, of max_connections {most}";
        return wanted <= most - ConnectionsInReserve
            ? HealthFinding.Ok("connections", arithmetic)
            : HealthFinding.Warning("connections", $"{arithmetic} less {ConnectionsInReserve} in reserve: raise max_connections, or lower Database__MaxPoolSize.");
    }

    private async Task<HealthFinding> MigrationsAsync(CancellationToken cancellationToken)
    {
        try
        {
            var missing = await Migrator.MissingAsync(database, Migrator.DefaultFolder, cancellationToken);
            return missing.Count == 0
                ? HealthFinding.Ok("migrations", "up to date")
                : HealthFinding.Failing("migrations", $"{missing.Count} migrations are missing, the first is {missing[0]}: run ./pimm migrate.");
        }
        catch (InputException e)
        {
            return HealthFinding.Failing("migrations", e.Message);
        }
    }

    private const string SelectSettings =
        "select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums', 'max_connections')";

    // Names are cut to 63 signs, as a restore cuts them.
    private const string SelectCopies =
        """
        select datname::text, case when has_database_privilege(oid, 'connect') then pg_size_pretty(pg_database_size(oid)) end
          from pg_database
         where (datname ~ '_before_[0-9]{8}t[0-9]{6}$' and left(datname, -23) = left(current_database(), 40))
            or (datname ~ '_restoring_[0-9]{8}t[0-9]{6}$' and left(datname, -26) = left(current_database(), 37))
         order by 1
        """;

    private const string CountWorkers = "select count(*)::int from worker where stopped_at is null and seen_at > clock_timestamp() - interval '1 minute'";
}
