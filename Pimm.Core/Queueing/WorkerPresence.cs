using System.Reflection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pimm.Core.Database;

namespace Pimm.Core.Queueing;

/// <summary>
/// Says in the database that this process takes runs, every few seconds, and compares the two clocks. Starts before the worker
/// and stops after it.
/// </summary>
public sealed class WorkerPresence(IEnumerable<IJob> jobs, WorkerLeases leases, TimeProvider clock, ILogger<WorkerPresence> logger) : BackgroundService
{
    private static readonly TimeSpan Tolerated = TimeSpan.FromSeconds(1);

    private readonly WorkerStore workers = new(leases.Connections);
    private readonly string[] kinds = leases.Options.KindsOf(jobs.Select(job => job.Kind));
    private long? row;
    private long measured;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryAsync(MeasureAsync, cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (row is { } id)
            await TryAsync(_ => workers.StopAsync(id), cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(leases.Options.Presence, clock);
        do
        {
            await TryAsync(TellAsync, stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task TellAsync(CancellationToken cancellationToken)
    {
        if (clock.GetElapsedTime(measured) >= leases.Options.ClockCheck)
            await MeasureAsync(cancellationToken);
        if (row is null || !await workers.SeeAsync(row.Value, leases.Clock.Offset, cancellationToken))
            row = await workers.AddAsync(Self(), cancellationToken);
    }

    /// <summary>The middle of the question's way there and back counts as the time of the answer.</summary>
    private async Task MeasureAsync(CancellationToken cancellationToken)
    {
        // The first statement of a connection takes longer than the clocks may differ.
        await workers.NowAsync(cancellationToken);
        var (before, asked) = (clock.GetUtcNow(), clock.GetTimestamp());
        var theirs = await workers.NowAsync(cancellationToken);
        var underWay = clock.GetElapsedTime(asked);
        // An answer that took long says little; the next word asks again.
        if (underWay > Tolerated) return;
        measured = clock.GetTimestamp();
        leases.Clock.Measured(before + (underWay / 2) - theirs);
    }

    private WorkerProcess Self() => new(
        0, WorkerLeases.ProcessName, Environment.MachineName, Environment.ProcessId,
        typeof(WorkerPresence).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
        kinds, leases.Options.Capabilities, leases.Options.Slots, leases.Options.Schedules, default, default, null, leases.Clock.Offset, "");

    private async Task TryAsync(Func<CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        try
        {
            await act(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            logger.LogWarning("The list of workers could not be kept: {Reason}", PostgresErrors.Translate(e).Message);
        }
    }
}
