using Dapper;
using Npgsql;

namespace Pimm.Core.Safekeeping;

/// <summary>What a table held.</summary>
/// <param name="Table">schema and name, quoted where SQL needs it</param>
/// <param name="Checksum">sum of the rows' 64-bit hashes, in decimal: the same whatever the order of the rows</param>
public sealed record TableSum(string Table, long Rows, string Checksum);

/// <summary>Counts and checksums of all tables, as one transaction sees them.</summary>
public static class TableSums
{
    /// <param name="connection">of the tables' owner; a transaction that is open there decides what is seen</param>
    public static async Task<IReadOnlyList<TableSum>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync(new CommandDefinition(FixText, cancellationToken: cancellationToken));
        var sums = new List<TableSum>();
        foreach (var table in await connection.QueryAsync<string>(new CommandDefinition(SelectTables, cancellationToken: cancellationToken)))
            sums.Add(await connection.QuerySingleAsync<TableSum>(new CommandDefinition(SelectSum(table), cancellationToken: cancellationToken)));
        return sums;
    }

    /// <summary>One sentence a table that is not as it was.</summary>
    public static IReadOnlyList<string> Differences(IReadOnlyList<TableSum> expected, IReadOnlyList<TableSum> found)
    {
        var byName = found.ToDictionary(sum => sum.Table, StringComparer.Ordinal);
        return
        [
            .. from sum in expected
               let now = byName.GetValueOrDefault(sum.Table)
               where now != sum
               select now is null ? $"{sum.Table} is missing"
                   : now.Rows != sum.Rows ? $"{sum.Table} has {now.Rows} rows instead of {sum.Rows}"
                   : $"{sum.Table} has other contents",
            .. found.Where(sum => expected.All(other => other.Table != sum.Table)).Select(sum => $"{sum.Table} was not in the backup"),
        ];
    }

    // A row's text must not depend on the session: times in UTC, floats in full.
    private const string FixText =
        "set TimeZone = 'UTC'; set DateStyle = 'ISO, YMD'; set IntervalStyle = 'postgres'; set extra_float_digits = 1; set bytea_output = 'hex'";

    // Partitioned tables themselves hold nothing; their partitions are tables like any other.
    private const string SelectTables =
        """
        select format('%I.%I', n.nspname, c.relname)
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
           and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
         order by 1
        """;

    private static string SelectSum(string table) =>
        $"select '{table.Replace("'", "''", StringComparison.Ordinal)}' as table, count(*) as rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as checksum from {table} t";
}
