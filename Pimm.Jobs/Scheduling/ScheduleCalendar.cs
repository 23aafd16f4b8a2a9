using Microsoft.Extensions.Options;
using Pimm.Core.Queueing;
using Pimm.Core.Retaining;
using Pimm.Core.Scheduling;

namespace Pimm.Jobs.Scheduling;

/// <summary>One fire time as people read it.</summary>
/// <param name="Local">in the schedule's time zone</param>
public sealed record FireTime(DateTimeOffset Local, DateTimeOffset Utc);

/// <summary>When a schedule fires next, and when it should have fired and did not.</summary>
public sealed class ScheduleCalendar(ScheduleStore schedules, IOptions<RetentionOptions> retention, TimeProvider time)
{
    /// <summary>Missed occasions are listed and back-filled at most this far back, and this many of them.</summary>
    public const int MissedDays = 31;
    private const int MostMissed = 100;

    // A firing that is due may still be under way.
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(2);

    // The oldest firings go by the database's clock, which may differ from ours, and some fire a moment early.
    private static readonly TimeSpan Margin = TimeSpan.FromHours(1);

    public static IReadOnlyList<FireTime> Next(Schedule schedule, DateTimeOffset now, int count)
    {
        var times = CronTimes.Parse(schedule.Cron, schedule.TimeZone);
        return [.. times.After(now).Take(count).Select(at => new FireTime(times.Local(at), at))];
    }

    /// <summary>The oldest first; none while the schedule is paused.</summary>
    public async Task<IReadOnlyList<Occasion>> MissedAsync(Schedule schedule, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var seen = now - LookBack(schedule.Kind);
        var since = schedule.ActiveSince > seen ? schedule.ActiveSince : seen;
        if (!schedule.Enabled)
            return [];
        var fired = await schedules.OccasionsAsync(schedule.Id, since, cancellationToken);
        return Occasion.Missed(schedule, CronTimes.Parse(schedule.Cron, schedule.TimeZone).After(since), now - Grace, fired, MostMissed);
    }

    /// <summary>What fired longer ago may be forgotten, and would look missed.</summary>
    public TimeSpan LookBack(string kind)
    {
        var kept = new[] { ScheduleFirings.Kept(kind), TimeSpan.FromDays(retention.Value.RunDays) }.Min() - Margin;
        return kept < TimeSpan.FromDays(MissedDays) ? kept : TimeSpan.FromDays(MissedDays);
    }
}
