using Dapper;
using Npgsql;

namespace Pimm.Core.Queueing;

/// <summary>A schedule that does not do what it is there for.</summary>
/// <param name="Trouble">"error": its trigger was given up; "refused": no worker understands it; "late": no success within its bound</param>
/// <param name="LastSuccess">end of the last firing whose runs all succeeded; null: never</param>
/// <param name="Sentence">what is wrong and what to do</param>
public sealed record ScheduleTrouble(string Schedule, string Kind, string Trouble, DateTimeOffset? LastSuccess, string Sentence);

/// <summary>Whether schedules fire and succeed, from any process: it needs no scheduler of its own.</summary>
public sealed class ScheduleHealthStore(NpgsqlDataSource database)
{
    /// <summary>Empty: every enabled schedule fires, and succeeded within its bound.</summary>
    public async Task<IReadOnlyList<ScheduleTrouble>> TroublesAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ScheduleTrouble>(new CommandDefinition(SelectTroubles, cancellationToken: cancellationToken))];
    }

    // A firing without runs had nothing to do, which is a success of its own. The trigger's name is the schedule's number.
    private const string SelectTroubles = """
        select s.name as schedule, s.kind,
               case when t.trigger_state = 'ERROR' then 'error' when s.problem is not null then 'refused' else 'late' end as trouble,
               success.succeeded_at as last_success,
               case when t.trigger_state = 'ERROR'
                    then format('The schedule "%s" does not fire: its trigger failed too often. Look at the workers'' logs, then pimm schedules reset "%s".', s.name, s.name)
                    when s.problem is not null then format('The schedule "%s" does not fire: %s', s.name, s.problem)
                    else format('The schedule "%s" has not succeeded since %s, and should within %s: see pimm schedules show "%s".', s.name,
                                to_char(coalesce(success.succeeded_at, s.active_since) at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), s.must_succeed_within, s.name) end as sentence
          from schedule s
          left join lateral (
            select coalesce((select max(r.finished_at) from job_run r where r.id = any(f.runs)), f.fired_at) as succeeded_at
              from schedule_firing f
             where f.schedule_id = s.id and not f.refused
               and not exists (select from job_run r where r.id = any(f.runs) and r.state <> 'succeeded')
             order by f.fired_at desc limit 1) success on true
          left join qrtz_triggers t on t.trigger_group = 'schedule' and t.trigger_name = s.id::text
         where s.enabled
           and (t.trigger_state = 'ERROR' or s.problem is not null
                or greatest(success.succeeded_at, s.active_since) < clock_timestamp() - s.must_succeed_within)
         order by s.id
        """;
}
