using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Queueing;

namespace Pimm.Core.Operating;

/// <summary>The work: does it wait, is it held by nobody, are there workers, do the schedules fire.</summary>
public sealed class QueueHealth(NpgsqlDataSource database, ScheduleHealthStore schedules)
{
    private const double LongWaitSeconds = 900;
    private const double LongExpiredSeconds = 60;

    public async Task<IReadOnlyList<HealthFinding>> LookAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var queue = await connection.QuerySingleAsync<QueueState>(new CommandDefinition(SelectQueue, cancellationToken: cancellationToken));
        var findings = new List<HealthFinding> { Waiting(queue), Leases(queue) };
        findings.Add(Workers(await connection.QuerySingleAsync<(int Running, int Silent)>(new CommandDefinition(CountWorkers, cancellationToken: cancellationToken)), queue));
        findings.AddRange(Schedules(
            await schedules.TroublesAsync(cancellationToken), await connection.ExecuteScalarAsync<int>("select count(*)::int from schedule where not enabled")));
        return findings;
    }

    internal static HealthFinding Waiting(QueueState queue) => queue.Due == 0
        ? HealthFinding.Ok("queue", $"{queue.Running} runs at work, none waits")
        : queue.OldestSeconds < LongWaitSeconds
            ? HealthFinding.Ok("queue", $"{queue.Running} runs at work, {queue.Due} wait, the oldest for {Span(queue.OldestSeconds)}")
            : HealthFinding.Warning("queue", $"{queue.Due} runs wait, the oldest for {Span(queue.OldestSeconds)}: start a worker that takes its kind (./pimm work), or look at ./pimm runs list.");

    internal static HealthFinding Leases(QueueState queue) => queue.ExpiredSeconds is not { } expired
        ? HealthFinding.Ok("leases", "every run at work has a worker that answers")
        : expired < LongExpiredSeconds
            ? HealthFinding.Ok("leases", $"a worker has not answered for {Span(expired)}; its run is taken over")
            : HealthFinding.Failing("leases", $"a run is held by a worker that has not answered for {Span(expired)}, and nobody takes it over: start a worker (./pimm work).");

    internal static HealthFinding Workers((int Running, int Silent) workers, QueueState queue) => workers switch
    {
        (0, _) when queue.Due + queue.Running > 0 => HealthFinding.Failing("workers", "no worker has been seen for half a minute, and there is work: start one (./pimm work)."),
        (0, _) => HealthFinding.Warning("workers", "no worker has been seen for half a minute: start one (./pimm work)."),
        (var running, 0) => HealthFinding.Ok("workers", $"{running} at work"),
        var (running, silent) => HealthFinding.Warning("workers", $"{running} at work, {silent} fell silent without a word: look at their logs."),
    };

    /// <summary>A trigger in error never fires again by itself; a schedule that is late may still come.</summary>
    internal static IEnumerable<HealthFinding> Schedules(IReadOnlyList<ScheduleTrouble> troubles, int off) => troubles.Count == 0
        ? [HealthFinding.Ok("schedules", off == 0 ? "all fire and succeed in time" : $"{off} are switched off, as after a restore; the others fire and succeed in time")]
        : troubles.Select(trouble => trouble.Trouble == "late" ? HealthFinding.Warning("schedules", trouble.Sentence) : HealthFinding.Failing("schedules", trouble.Sentence));

    private static string Span(double seconds) => seconds < 120
        ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s")
        : seconds < 7_200 ? string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min") : string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h");

    /// <param name="Due">queued runs that a worker could take now</param>
    /// <param name="OldestSeconds">how long the oldest of them has waited</param>
    /// <param name="ExpiredSeconds">since the oldest lease that nobody renews ran out; null: none</param>
    internal sealed record QueueState(int Running, int Due, double OldestSeconds, double? ExpiredSeconds);

    private const string SelectQueue =
        $"""
        select count(*) filter (where state = 'running')::int as running,
               count(due_since)::int as due,
               coalesce(extract(epoch from clock_timestamp() - min(due_since)), 0)::double precision as oldest_seconds,
               extract(epoch from max(clock_timestamp() - lease_until) filter (where state = 'running' and lease_until < clock_timestamp()))::double precision as expired_seconds
          from ({OpenRuns.Select}) open_run
        """;

    private const string CountWorkers =
        """
        select count(*) filter (where seen_at > clock_timestamp() - interval '30 seconds')::int,
               count(*) filter (where seen_at <= clock_timestamp() - interval '30 seconds' and seen_at > clock_timestamp() - interval '1 hour')::int
          from worker where stopped_at is null
        """;
}
