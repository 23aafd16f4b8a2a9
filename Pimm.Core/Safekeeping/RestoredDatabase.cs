using Dapper;
using Npgsql;

namespace Pimm.Core.Safekeeping;

/// <summary>What is looked at and put to rest in a database before anybody works with it.</summary>
internal static class RestoredDatabase
{
    /// <summary>
    /// Triggers are paused, schedules and webhooks switched off: a database of last week would otherwise do at once what it believes it missed.
    /// </summary>
    public static async Task<RestedSchedules> RestAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var (paused, disabled) = (0, 0);
        if (await ExistsAsync(connection, "qrtz_triggers", cancellationToken))
            paused = await connection.ExecuteAsync(new CommandDefinition(PauseTriggers, cancellationToken: cancellationToken));
        if (await ExistsAsync(connection, "schedule", cancellationToken))
            disabled = await connection.ExecuteAsync(new CommandDefinition(DisableSchedules, cancellationToken: cancellationToken));
        var open = await ExistsAsync(connection, "job_run", cancellationToken)
            ? await connection.ExecuteScalarAsync<int>(new CommandDefinition(CountOpen, cancellationToken: cancellationToken)) : 0;
        var webhooks = await ExistsAsync(connection, "webhook", cancellationToken)
            ? await connection.ExecuteAsync(new CommandDefinition(DisableWebhooks, cancellationToken: cancellationToken)) : 0;
        return new RestedSchedules(paused, disabled, open, webhooks);
    }

    /// <summary>amcheck reads every index and every table, where this role may use it.</summary>
    /// <exception cref="PostgresException">something is corrupt</exception>
    public static async Task<string> CheckAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (!await connection.ExecuteScalarAsync<bool>(new CommandDefinition(MayCheck, cancellationToken: cancellationToken)))
            return "not checked: the extension amcheck needs a superuser, or an administrator who creates it";
        var installed = await connection.ExecuteScalarAsync<bool>("select exists (select from pg_extension where extname = 'amcheck')");
        if (!installed)
            await connection.ExecuteAsync("create extension amcheck");
        var indexes = await connection.ExecuteScalarAsync<long>(new CommandDefinition(CheckIndexes, cancellationToken: cancellationToken));
        var damage = await connection.QueryFirstOrDefaultAsync<string>(new CommandDefinition(CheckTables, cancellationToken: cancellationToken));
        if (!installed)
            await connection.ExecuteAsync("drop extension amcheck");
        return damage is null ? $"{indexes} indexes and all tables are sound (amcheck)" : throw new InvalidOperationException($"The restored database is damaged: {damage}.");
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken) =>
        await connection.ExecuteScalarAsync<bool>(new CommandDefinition("select to_regclass(@table) is not null", new { table }, cancellationToken: cancellationToken));

    private const string PauseTriggers =
        """
        delete from qrtz_fired_triggers;
        delete from qrtz_scheduler_state;
        update qrtz_triggers set trigger_state = 'PAUSED' where trigger_state not in ('PAUSED', 'COMPLETE')
        """;

    private const string DisableSchedules = "update schedule set enabled = false where enabled";

    // What was told since would be told again, and by a copy of the installation as well.
    private const string DisableWebhooks =
        "update webhook set disabled_at = clock_timestamp(), disabled_reason = 'restored from a backup' where disabled_at is null";

    private const string CountOpen = "select count(*)::int from job_run where state in ('queued', 'running')";

    private const string MayCheck =
        """
        select exists (select from pg_extension where extname = 'amcheck' )
            or (exists (select from pg_available_extensions where name = 'amcheck') and (select rolsuper from pg_roles where rolname = current_user))
        """;

    // No constants: a database without amcheck does not understand them.
    private static readonly string CheckIndexes =
        """
        select count(bt_index_check(i.indexrelid, heapallindexed => true)::text)
          from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam join pg_namespace n on n.oid = c.relnamespace
         where a.amname = 'btree' and c.relkind = 'i' and i.indisvalid and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
        """;

    private static readonly string CheckTables =
        """
        select format('%s, block %s: %s', c.oid::regclass, v.blkno, v.msg)
          from pg_class c join pg_namespace n on n.oid = c.relnamespace, lateral verify_heapam(c.oid) v
         where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_' limit 1
        """;
}
