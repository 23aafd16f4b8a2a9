using Dapper;
using Npgsql;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scheduling;

/// <summary>What the clock of a worker says of a schedule: processes that have no clock show it.</summary>
/// <param name="Version">of the schedule that it was computed from</param>
/// <param name="NextAt">the next fire times, the soonest first</param>
/// <param name="Missed">keys of occasions whose time is past and which have not fired, the oldest first</param>
/// <param name="MissedAt">when they were to fire</param>
public sealed record ScheduleOutlook(long ScheduleId, int Version, DateTime[] NextAt, string[] Missed, DateTime[] MissedAt, DateTimeOffset ComputedAt)
{
    public const int FireTimes = 5;

    public IReadOnlyList<Occasion> Occasions(Schedule schedule) =>
        [.. MissedAt.Select(at => Occasion.Of(schedule, new DateTimeOffset(at, TimeSpan.Zero)))];
}

/// <summary>Outlooks of the schedules that fire; written by workers, read by everybody.</summary>
public sealed class ScheduleOutlookStore(NpgsqlDataSource database)
{
    public async Task<IReadOnlyDictionary<long, ScheduleOutlook>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<ScheduleOutlook>(new CommandDefinition(SelectAll, cancellationToken: cancellationToken))).ToDictionary(outlook => outlook.ScheduleId);
    }

    public async Task<ScheduleOutlook?> FindAsync(long scheduleId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ScheduleOutlook>(new CommandDefinition(SelectOne, new { scheduleId }, cancellationToken: cancellationToken));
    }

    /// <summary>Schedules that fire and whose outlook is missing, of another version, a minute old or overtaken.</summary>
    public async Task<IReadOnlyList<long>> StaleAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<long>(new CommandDefinition(SelectStale, cancellationToken: cancellationToken))];
    }

    public async Task SaveAsync(ScheduleOutlook outlook, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(Save, outlook, cancellationToken: cancellationToken));
    }

    private const string SelectAll = "select schedule_id, version, next_at, missed, missed_at, computed_at from schedule_outlook";

    private const string SelectOne = $"{SelectAll} where schedule_id = @scheduleId";

    // A schedule fires once its trigger carries its version; the trigger's name is the schedule's number.
    private const string SelectStale = """
        select s.id
          from schedule s
          join qrtz_triggers t on t.trigger_group = 'schedule' and t.trigger_name = s.id::text and t.description = 'version ' || s.version
          left join schedule_outlook o on o.schedule_id = s.id
         where s.enabled and s.problem is null
           and (o.schedule_id is null or o.version <> s.version or o.computed_at < clock_timestamp() - interval '1 minute' or o.next_at[1] < clock_timestamp())
        """;

    private const string Save = """
        insert into schedule_outlook (schedule_id, version, next_at, missed, missed_at, computed_at)
        select id, @Version, @NextAt, @Missed, @MissedAt, clock_timestamp() from schedule where id = @ScheduleId
        on conflict (schedule_id) do update
           set version = excluded.version, next_at = excluded.next_at, missed = excluded.missed, missed_at = excluded.missed_at, computed_at = excluded.computed_at
        """;
}
