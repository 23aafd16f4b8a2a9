using System.Globalization;
using Microsoft.Extensions.Logging;
using Pimm.Core.Database;
using Pimm.Core.Queueing;
using Pimm.Core.Scheduling;
using Quartz;

namespace Pimm.Jobs.Scheduling;

/// <summary>
/// What Quartz runs: it asks for the runs of the occasion and does nothing else. The trigger's name is the schedule's number;
/// when the same occasion fires again, on this node or another, its runs are there already.
/// </summary>
public sealed class FireSchedule(ScheduleStore schedules, ScheduleFirings firings, ILogger<FireSchedule> logger) : Quartz.IJob
{
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10)];

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        var key = context.Recovering ? context.RecoveringTriggerKey! : context.Trigger.Key;
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await FireAsync(long.Parse(key.Name, CultureInfo.InvariantCulture), context, cancellationToken);
                return;
            }
            catch (Exception e) when (PostgresErrors.Translate(e) is DatabaseException { IsTransient: true } away)
            {
                // Quartz holds the firing for fired from here on: it must not get lost because the database is away for a while.
                logger.LogWarning("Schedule {Schedule} cannot fire yet: {Reason}", key.Name, away.Message);
                await Task.Delay(Pauses[Math.Min(attempt, Pauses.Length - 1)], cancellationToken);
            }
        }
    }

    private async Task FireAsync(long id, IJobExecutionContext context, CancellationToken cancellationToken)
    {
        if (await schedules.FindAsync(id, cancellationToken) is not { Enabled: true } schedule)
            return;
        var times = CronTimes.Parse(schedule.Cron, schedule.TimeZone);
        // After nights without any worker Quartz fires once, for whichever: the latest occasion counts, the others are missed.
        // It may also fire some milliseconds early.
        var due = context.ScheduledFireTimeUtc is { } scheduled && scheduled > context.FireTimeUtc ? scheduled : context.FireTimeUtc;
        if (times.Latest(due) is not { } at)
            return;
        var (firing, isNew) = await firings.FireAsync(schedule, Occasion.Of(schedule, at), WorkerLeases.ProcessName, cancellationToken);
        logger.LogInformation("Schedule {Schedule} {Fired} for {Occasion}: {Outcome}", schedule.Name, isNew ? "fired" : "had fired", firing.Occasion, firing.Outcome);
    }
}
