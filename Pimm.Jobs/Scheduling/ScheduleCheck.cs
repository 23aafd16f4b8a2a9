using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scheduling;

namespace Pimm.Jobs.Scheduling;

/// <summary>Whether a schedule can fire as it stands; the same for who adds it and for the worker that takes it over.</summary>
public sealed class ScheduleCheck(CampaignStore campaigns, IOptions<SchedulingOptions> options, TimeProvider time)
{
    private static readonly TimeSpan TimeToSucceed = TimeSpan.FromHours(2);

    /// <returns>when it fires</returns>
    /// <exception cref="InputException">its times cannot be computed, are too frequent, or are another zone's than its campaign's</exception>
    public async Task<CronTimes> CheckedAsync(Schedule schedule, CancellationToken cancellationToken)
    {
        var times = CronTimes.Parse(schedule.Cron, schedule.TimeZone).Checked(time.GetUtcNow(), options.Value.MinimumInterval, ScheduleKinds.IsDaily(schedule.Kind));
        if (schedule.CampaignId is { } id)
            ScheduledWork.CheckZone(schedule, await campaigns.GetAsync(id, cancellationToken));
        return times;
    }

    /// <summary>How long such a schedule may go without a success where nobody says: its longest pause, and two hours to do it. Null: no bound is that long.</summary>
    public static TimeSpan? Bound(CronTimes times, DateTimeOffset now) =>
        times.LongestPause(now) + TimeToSucceed is { } bound && bound <= Schedule.LongestBound ? bound : null;
}
