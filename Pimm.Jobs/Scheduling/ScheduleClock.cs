using Dapper;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Database;
using Pimm.Core.Queueing;
using Quartz;

namespace Pimm.Jobs.Scheduling;

/// <summary>
/// Runs this worker's part of the cluster of schedulers: checks the tables, starts, and takes changed schedules over. A database
/// that is away is waited for.
/// </summary>
public sealed class ScheduleClock(
    SchedulerGuard guard, ISchedulerFactory schedulers, TriggerSync triggers, WorkerLeases leases, ScheduleClockHost host) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ShutdownPatience = TimeSpan.FromSeconds(4);

    private readonly SemaphoreSlim news = new(0, 1);
    private IScheduler? scheduler;

    /// <exception cref="InputException">the tables belong to another scheduler: the worker does not start</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await IsAllowedAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!await IsAllowedAsync(stoppingToken))
                await Task.Delay(Pause, stoppingToken);
            await Task.WhenAll(ListenAsync(stoppingToken), KeepAsync(stoppingToken));
        }
        catch (InputException refused)
        {
            host.Stop(refused);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (scheduler is null)
            return;
        try
        {
            // Firings under way are told to stop and are stored for another worker; a database that is away must not hold the process.
            await scheduler.Shutdown(waitForJobsToComplete: true, CancellationToken.None).AsTask().WaitAsync(ShutdownPatience, CancellationToken.None);
        }
        catch (Exception e)
        {
            host.Logger.LogWarning("The scheduler did not stop in order: {Reason}", PostgresErrors.Translate(e).Message);
        }
    }

    private async Task<bool> IsAllowedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await guard.CheckAsync(cancellationToken);
            return true;
        }
        catch (Exception e) when (e is not InputException && (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested))
        {
            host.Logger.LogWarning("Schedules do not fire yet: {Reason}", PostgresErrors.Translate(e).Message);
            return false;
        }
    }

    private async Task KeepAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                // What is not clustered shows itself only while it fires.
                await guard.CheckAsync(stoppingToken);
                scheduler ??= await schedulers.GetScheduler(stoppingToken);
                await FollowClockAsync(scheduler, stoppingToken);
                await triggers.ApplyAsync(scheduler, stoppingToken);
            }
            catch (InputException refused)
            {
                host.Stop(refused);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                host.Logger.LogWarning("Changed schedules could not be taken over: {Reason}", PostgresErrors.Translate(e.GetBaseException()).Message);
            }
            await news.WaitAsync(host.Options.Reconcile, stoppingToken);
        }
    }

    /// <summary>A worker whose clock is far off would fire too early or too late: it stands by.</summary>
    private async Task FollowClockAsync(IScheduler ours, CancellationToken cancellationToken)
    {
        if (leases.Clock.IsRight && ours.Status != SchedulerStatus.Running)
            await ours.Start(cancellationToken);
        else if (!leases.Clock.IsRight && ours.Status == SchedulerStatus.Running)
            await ours.Standby(cancellationToken);
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await using var connection = await leases.Connections.OpenConnectionAsync(stoppingToken);
                connection.Notification += (_, _) => Wake();
                await connection.ExecuteAsync("listen pimm_schedule");
                while (true)
                    await connection.WaitAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                host.Logger.LogDebug(e, "Notifications of changed schedules stopped");
                await Task.Delay(Pause, stoppingToken);
            }
        }
    }

    private void Wake()
    {
        if (news.CurrentCount == 0)
            news.Release();
    }

    public override void Dispose()
    {
        news.Dispose();
        base.Dispose();
    }
}

/// <summary>The clock's settings and log, and how it stops the process that it runs in.</summary>
public sealed class ScheduleClockHost(IOptions<SchedulingOptions> options, IHostApplicationLifetime lifetime, ILogger<ScheduleClock> logger)
{
    public SchedulingOptions Options => options.Value;

    public ILogger Logger => logger;

    /// <summary>Why the process was stopped; null: it was not.</summary>
    public InputException? Refusal { get; private set; }

    public void Stop(InputException refusal)
    {
        Refusal = refusal;
        lifetime.StopApplication();
    }
}
