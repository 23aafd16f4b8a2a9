using System.Globalization;
using Dapper;
using Npgsql;

namespace Pimm.Benchmarks;

/// <param name="Demo">rows of one demo</param>
/// <param name="Now">rows after the copies</param>
internal sealed record CopiedTable(string Table, long Demo, long Now);

/// <summary>
/// Multiplies a loaded demo inside the database, one statement a table. Rows of a customer are copied for as many made-up customers of
/// the same audience and campaign, which so are as many times as deep; all other rows are copied under ids and names of their own, so
/// that every list is as many times as long. Users, sessions, workers and the scheduler's own tables stay as they are.
/// </summary>
internal sealed class DemoCopies(NpgsqlDataSource owner, string appRole, int times)
{
    private const long Apart = 10_000_000;

    private const string SelectTables =
        """
        select n.nspname as schema, c.relname as name, a.attname as column_name, format_type(a.atttypid, null) as type,
               exists (select from pg_constraint p where p.conrelid = c.oid and p.contype = 'p' and p.conkey = array[a.attnum]) as "key",
               coalesce((select t.relname from pg_constraint f join pg_class t on t.oid = f.confrelid
                          where f.conrelid = c.oid and f.contype = 'f' and a.attnum = any(f.conkey) and array_length(f.conkey, 1) = 1 limit 1), '') as refers,
               coalesce((select array_agg(i.indexrelid::bigint) from pg_index i where i.indrelid = c.oid and i.indisunique and a.attnum = any(i.indkey::smallint[])), '{}') as uniques
          from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
         where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('public', 'audience')
           and c.relname !~ '^(qrtz_|app_|migration|schema_|data_protection|worker|scheduler_|schedule_outlook|identifier_key|audit_entry|outcome_staging|backup|idempotency|api_key|webhook|upload)'
         order by n.nspname, c.relname, a.attnum
        """;

    private const string CopyAudiences =
        """
        do $do$
        declare a record; copy bigint;
        begin
          for a in select id from audience where id < @apart order by id loop
            for k in 1 .. @copies loop
              copy := a.id + k * @apart;
              execute format('create table audience.%I (like audience.%I including all)', 'customers_' || copy, 'customers_' || a.id);
              execute format('create table audience.%I (like audience.%I including all)', 'history_' || copy, 'history_' || a.id);
              perform define_training_history(copy);
              execute format('grant select, insert, delete on audience.%I, audience.%I to @role', 'customers_' || copy, 'history_' || copy);
              execute format('grant select on audience.%I to @role', 'training_history_' || copy);
            end loop;
          end loop;
        end $do$
        """;

    private const string GoOn =
        """
        select setval(pg_get_serial_sequence(format('%I.%I', table_schema, table_name), column_name),
                      greatest(nextval(pg_get_serial_sequence(format('%I.%I', table_schema, table_name), column_name)), @highest))
          from information_schema.columns where is_identity = 'YES' and table_schema = 'public'
        """;

    public async Task<IReadOnlyList<CopiedTable>> MakeAsync()
    {
        await using var connection = await owner.OpenConnectionAsync();
        var tables = (await connection.QueryAsync<Column>(SelectTables)).GroupBy(column => (column.Schema, column.Name)).ToList();
        var copied = tables.Select(table => table.Key.Name).ToHashSet(StringComparer.Ordinal);
        // Neither triggers nor foreign keys: the copies were checked when the demo was loaded.
        await connection.ExecuteAsync("set session_replication_role = replica; set synchronous_commit = off; set work_mem = '64MB'");
        var result = new List<CopiedTable>();
        foreach (var table in tables)
        {
            var name = $"{table.Key.Schema}.\"{table.Key.Name}\"";
            var demo = await connection.ExecuteScalarAsync<long>($"select count(*) from {name}");
            if (demo > 0)
            {
                var added = await connection.ExecuteAsync(Copy(name, [.. table], copied), commandTimeout: 600);
                result.Add(new CopiedTable(table.Key.Schema == "public" ? table.Key.Name : $"audience.{table.Key.Name}", demo, demo + added));
            }
        }
        await connection.ExecuteAsync(CopyAudiences.Replace("@apart", $"{Apart}", StringComparison.Ordinal).Replace("@copies", $"{times - 1}", StringComparison.Ordinal).Replace("@role", appRole, StringComparison.Ordinal), commandTimeout: 600);
        await connection.ExecuteAsync("update audience_version set customers = customers * @times", new { times });
        await connection.ExecuteAsync(GoOn, new { highest = Apart * (times + 1) });
        await connection.ExecuteAsync("vacuum analyze", commandTimeout: 600);
        return result;
    }

    private string Copy(string table, IReadOnlyList<Column> columns, HashSet<string> copied)
    {
        var ofCustomers = columns.Any(column => column is { Name: not "erasure", ColumnName: "customer" });
        var taken = columns.Select(column => New(column, ofCustomers, copied)).ToList();
        // What is unique still says the same: a word of it gets the copy's number.
        foreach (var index in columns.SelectMany(column => column.Uniques).Distinct().Where(index => columns.Index().All(one => !one.Item.Uniques.Contains(index) || taken[one.Index] == Quoted(one.Item))))
        {
            var (place, word) = columns.Index().Where(one => one.Item.Uniques.Contains(index)).OrderBy(one => one.Item.Type is "text" ? 0 : one.Item.Type is "uuid" ? 1 : 2).First();
            taken[place] = word.Type switch
            {
                "text" => $"left({Quoted(word)}, 90) || '~' || k",
                "uuid" => Made(word),
                "bytea" => $"sha256({Quoted(word)} || k::text::bytea)",
                _ => string.Create(CultureInfo.InvariantCulture, $"{Quoted(word)} + k * {(word.Type == "bigint" ? Apart : 1_000)}"),
            };
        }
        return string.Create(CultureInfo.InvariantCulture,
            $"insert into {table}({string.Join(", ", columns.Select(Quoted))}) overriding system value select {string.Join(", ", taken)} from {table} cross join generate_series(1, {times - 1}) k");
    }

    private static string New(Column column, bool ofCustomers, HashSet<string> copied) => column switch
    {
        { ColumnName: "customer", Type: "uuid" } => Made(column),
        // Gapless, as the log itself is.
        { Name: "audit_event", ColumnName: "id" } => "id + k * (select max(id) from audit_event)",
        { Key: true, Type: "bigint" } => Shifted(column),
        _ when ofCustomers => Quoted(column),
        { Type: "bigint", Refers: not "" } when copied.Contains(column.Refers) => Shifted(column),
        { Type: "bigint", Refers: "" } when column.ColumnName.EndsWith("_id", StringComparison.Ordinal) && column.ColumnName != "user_id" => Shifted(column),
        _ => Quoted(column),
    };

    private static string Shifted(Column column) => string.Create(CultureInfo.InvariantCulture, $"{Quoted(column)} + k * {Apart}");

    private static string Made(Column column) => $"md5({Quoted(column)}::text || k)::uuid";

    private static string Quoted(Column column) => $"\"{column.ColumnName}\"";

    private sealed record Column(string Schema, string Name, string ColumnName, string Type, bool Key, string Refers, long[] Uniques);
}
