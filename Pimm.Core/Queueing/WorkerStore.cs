using Dapper;
using Npgsql;

namespace Pimm.Core.Queueing;

/// <summary>One row of worker: a process that takes runs.</summary>
/// <param name="Name">what its runs have as their owner</param>
/// <param name="Kinds">the kinds of runs that it takes</param>
/// <param name="Capabilities">what it offers to runs that require something</param>
/// <param name="Schedules">whether it fires schedules</param>
/// <param name="StoppedAt">of a graceful stop</param>
/// <param name="ClockOffset">its clock less the database's; null: not measured yet</param>
/// <param name="State">"running", "stopped", or "silent": no word for half a minute</param>
public sealed record WorkerProcess(
    long Id, string Name, string Host, int Pid, string Version, string[] Kinds, string[] Capabilities, int Slots, bool Schedules,
    DateTimeOffset StartedAt, DateTimeOffset SeenAt, DateTimeOffset? StoppedAt, TimeSpan? ClockOffset, string State);

/// <summary>Which processes take runs, by what they say of themselves.</summary>
public sealed class WorkerStore(NpgsqlDataSource database)
{
    /// <summary>Of the last day, the newest first.</summary>
    public async Task<IReadOnlyList<WorkerProcess>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<WorkerProcess>(new CommandDefinition(SelectWorkers, cancellationToken: cancellationToken))];
    }

    /// <summary>A new row; those that have been silent or stopped for a day go.</summary>
    internal async Task<long> AddAsync(WorkerProcess worker, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(Insert, worker, cancellationToken: cancellationToken));
    }

    /// <returns>false: the row is gone, a day of silence long</returns>
    internal async Task<bool> SeeAsync(long id, TimeSpan? clockOffset, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(See, new { id, clockOffset }, cancellationToken: cancellationToken)) == 1;
    }

    internal async Task StopAsync(long id)
    {
        await using var connection = await database.OpenConnectionAsync();
        await connection.ExecuteAsync(Stop, new { id });
    }

    /// <summary>The database's time.</summary>
    internal async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<DateTime>(new CommandDefinition("select clock_timestamp()", cancellationToken: cancellationToken));
    }

    private const string SelectWorkers = """
        select id, name, host, pid, version, kinds, capabilities, slots, schedules, started_at, seen_at, stopped_at, clock_offset,
               case when stopped_at is not null then 'stopped' when seen_at < clock_timestamp() - interval '30 seconds' then 'silent' else 'running' end as state
          from worker
         order by id desc
        """;

    private const string Insert = """
        with gone as (delete from worker where coalesce(stopped_at, seen_at) < clock_timestamp() - interval '1 day')
        insert into worker (name, host, pid, version, kinds, capabilities, slots, schedules, clock_offset)
        values (@Name, @Host, @Pid, @Version, @Kinds, @Capabilities, @Slots, @Schedules, @ClockOffset)
        returning id
        """;

    private const string See = """
        with gone as (delete from worker where coalesce(stopped_at, seen_at) < clock_timestamp() - interval '1 day' and id <> @id)
        update worker set seen_at = clock_timestamp(), clock_offset = coalesce(@clockOffset::interval, clock_offset) where id = @id
        """;

    private const string Stop = "update worker set seen_at = clock_timestamp(), stopped_at = clock_timestamp() where id = @id";
}
