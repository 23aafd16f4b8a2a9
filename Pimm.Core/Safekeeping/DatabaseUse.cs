using Dapper;
using Npgsql;

namespace Pimm.Core.Safekeeping;

/// <summary>Would anybody miss what a database holds?</summary>
public static class DatabaseUse
{
    /// <summary>False where there is no table at all, and for a migrated database that nobody has worked with.</summary>
    public static async Task<bool> IsUsedAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var tables = (await connection.QueryAsync<string>(new CommandDefinition(SelectTables, cancellationToken: cancellationToken))).ToHashSet(StringComparer.Ordinal);
        if (!tables.Contains("migration"))
            return tables.Count > 0;
        foreach (var table in TellingTables.Where(tables.Contains))
            if (await connection.ExecuteScalarAsync<bool>(new CommandDefinition($"select exists (select from {table})", cancellationToken: cancellationToken)))
                return true;
        return false;
    }

    // Whatever else has rows was put there by the migrations, or belongs to one of these.
    private static readonly string[] TellingTables = ["app_user", "audience", "job_run"];

    private const string SelectTables =
        """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
        """;
}
