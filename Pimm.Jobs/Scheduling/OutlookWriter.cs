using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pimm.Core;
using Pimm.Core.Database;
using Pimm.Core.Queueing;
using Pimm.Core.Scheduling;

namespace Pimm.Jobs.Scheduling;

/// <summary>Writes down when each schedule fires next and what it missed, for processes that have no clock: the pages.</summary>
public sealed class OutlookWriter(ScheduleStore schedules, ScheduleOutlookStore outlooks, ScheduleCalendar calendar, TimeProvider time, ILogger<OutlookWriter> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        foreach (var id in await outlooks.StaleAsync(cancellationToken))
            if (await schedules.FindAsync(id, cancellationToken) is { } schedule)
                await outlooks.SaveAsync(await OfAsync(schedule, cancellationToken), cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await WriteAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                logger.LogDebug("The next fire times could not be written: {Reason}", PostgresErrors.Translate(e).Message);
            }
        }
    }

    private async Task<ScheduleOutlook> OfAsync(Schedule schedule, CancellationToken cancellationToken)
    {
        var next = ScheduleCalendar.Next(schedule, time.GetUtcNow(), ScheduleOutlook.FireTimes);
        var missed = await calendar.MissedAsync(schedule, cancellationToken);
        return new ScheduleOutlook(
            schedule.Id, schedule.Version, [.. next.Select(at => at.Utc.UtcDateTime)], [.. missed.Select(occasion => occasion.Key)], [.. missed.Select(occasion => occasion.At.UtcDateTime)], default);
    }
}
