using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Queueing;

/// <summary>Claim → run → finish, in as many slots as the settings say; stopped, it hands its runs back for others to take.</summary>
public sealed class Worker(IEnumerable<IJob> jobs, NpgsqlDataSource database, WorkerLeases leases, TimeProvider clock, ILogger<Worker> logger)
    : BackgroundService
{
    private const int MaxErrorLength = 8_000;

    // ENOSPC of Linux, which .NET hands on as it is.
    private const int NoSpaceLeft = 28;

    private readonly Dictionary<string, IJob> jobs = jobs.ToDictionary(job => job.Kind, StringComparer.Ordinal);
    private readonly string[] kinds = leases.Options.KindsOf(jobs.Select(job => job.Kind));
    private readonly string name = WorkerLeases.ProcessName;

    private QueueingOptions Options => leases.Options;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        logger.LogInformation("Worker {Name} takes {Kinds} in {Slots} slots", name, string.Join(", ", kinds), Options.Slots);
        ReserveThreads();
        using var wakeUp = new RunWakeUp(leases.Connections, Options, clock, logger);
        try
        {
            await Task.WhenAll([
                wakeUp.ListenAsync(stoppingToken),
                ReapAsync(stoppingToken),
                .. Enumerable.Range(0, Options.Slots).Select(_ => WorkAsync(wakeUp, stoppingToken))]);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            logger.LogInformation("Worker {Name} stopped", name);
        }
    }

    // Jobs compute on the pool's threads for minutes; heartbeats must find one at once, not when the pool grows.
    private void ReserveThreads()
    {
        ThreadPool.GetMinThreads(out var workers, out var completions);
        ThreadPool.SetMinThreads(Math.Max(workers, Environment.ProcessorCount + (4 * Options.Slots) + 8), completions);
    }

    private async Task WorkAsync(RunWakeUp wakeUp, CancellationToken stoppingToken)
    {
        await Task.Yield();
        var room = new RoomForRuns(jobs, leases.Disk, logger);
        while (!stoppingToken.IsCancellationRequested)
        {
            ClaimedRun? run = null;
            try
            {
                if (leases.Clock.IsRight)
                    run = await leases.Store.ClaimAsync(room.Kinds(kinds), name, Options, CancellationToken.None);
            }
            catch (Exception e)
            {
                logger.LogWarning("No run can be claimed: {Reason}", PostgresErrors.Translate(e).Message);
            }
            if (run is null)
                await wakeUp.WaitAsync(stoppingToken);
            else
                await AttemptAsync(run, stoppingToken);
        }
    }

    private async Task AttemptAsync(ClaimedRun run, CancellationToken stoppingToken)
    {
        // Every line that is written on the way, heartbeats' included, says which run it belongs to.
        using var scope = logger.BeginScope(new Dictionary<string, object> { ["run"] = run.Id, ["kind"] = run.Kind, ["attempt"] = run.Attempt, ["fence"] = run.Fence });
        var started = clock.GetTimestamp();
        logger.LogInformation("Run {Run} ({Kind}) attempt {Attempt} starts under fence {Fence}", run.Id, run.Kind, run.Attempt, run.Fence);
        await using var lease = new Lease(run, leases.Store, Options, clock, logger);
        await using var stopping = stoppingToken.Register(() => lease.Stop(LeaseEnd.HandedBack));
        var attempt = Task.Run(() => RunAsync(lease), CancellationToken.None);
        await Task.WhenAny(attempt, OutOfPatienceAsync(attempt, stoppingToken));
        try
        {
            var failure = attempt.IsCompleted ? await attempt : new OperationCanceledException();
            var duration = clock.GetElapsedTime(started);
            RunMeter.Ended(run.Kind, failure is null ? null : await EndWhenReachableAsync(lease, failure, stoppingToken), duration);
        }
        catch (Exception e)
        {
            // The lease runs out and the reaper puts the run right.
            RunMeter.Ended(run.Kind, LeaseEnd.Lost, clock.GetElapsedTime(started));
            logger.LogError("The end of run {Run} could not be written: {Reason}", run.Id, PostgresErrors.Translate(e).Message);
        }
    }

    /// <summary>Null, or why the run is not done.</summary>
    private async Task<Exception?> RunAsync(Lease lease)
    {
        var execution = new JobExecution(lease, database);
        try
        {
            await jobs[lease.Run.Kind].RunAsync(execution, lease.Token);
            if (!execution.IsComplete)
                await execution.CompleteAsync(null, null, lease.Token);
            logger.LogInformation("Run {Run} ({Kind}) succeeded", lease.Run.Id, lease.Run.Kind);
            return null;
        }
        catch (Exception e)
        {
            return execution.IsComplete ? null : e;
        }
    }

    /// <summary>While the database does not answer, heartbeats go on: the run stays ours until its end can be written.</summary>
    /// <returns>as <see cref="EndAsync"/></returns>
    private async Task<LeaseEnd?> EndWhenReachableAsync(Lease lease, Exception failure, CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                return await EndAsync(lease, failure);
            }
            catch (Exception e) when (PostgresErrors.IsTransient(e) && !stoppingToken.IsCancellationRequested)
            {
                logger.LogWarning("The end of run {Run} cannot be written yet: {Reason}", lease.Run.Id, PostgresErrors.Translate(e).Message);
                await Task.Delay(Options.Heartbeat, clock, CancellationToken.None);
            }
        }
    }

    /// <returns>how the attempt ended in the database; null: it succeeded, and only the answer to its commit was lost</returns>
    private async Task<LeaseEnd?> EndAsync(Lease lease, Exception failure)
    {
        var run = lease.Run;
        if (lease.End is not (LeaseEnd.Lost or LeaseEnd.BudgetSpent))
            await lease.BeatAsync();
        var end = lease.End;
        var isWritten = end switch
        {
            LeaseEnd.Lost => false,
            LeaseEnd.BudgetSpent => true,
            LeaseEnd.CancelRequested => await leases.Store.CancelAsync(run),
            LeaseEnd.HandedBack => await leases.Store.HandBackAsync(run),
            _ => await FailAsync(run, failure),
        };
        if (!isWritten && await leases.Store.HasSucceededAsync(run))
        {
            logger.LogInformation("Run {Run} ({Kind}) succeeded, which its attempt {Attempt} was not told", run.Id, run.Kind, run.Attempt);
            return null;
        }
        logger.LogInformation("Run {Run} ({Kind}) attempt {Attempt} ends unfinished: {Reason}", run.Id, run.Kind, run.Attempt,
            end == LeaseEnd.None ? PostgresErrors.Translate(failure).Message : end);
        return isWritten ? end : LeaseEnd.Lost;
    }

    private Task<bool> FailAsync(ClaimedRun run, Exception failure)
    {
        var translated = PostgresErrors.Translate(failure);
        if (translated is InputException)
            return leases.Store.FailAsync(run, translated.Message);
        if (translated is IOException { HResult: NoSpaceLeft })
            translated = new IOException($"A disk is full ({translated.Message}): make room there, and the run is tried again.", translated);
        var text = $"{translated.Message.ReplaceLineEndings(" ")}\n{failure}".Replace('\0', ' ');
        return leases.Store.RetryLaterAsync(run, text.Length <= MaxErrorLength ? text : text[..MaxErrorLength], Options.RetryDelay * run.Attempt * run.Attempt);
    }

    /// <summary>A job that does not listen is left behind: what it may still try to write is refused by the fence.</summary>
    private async Task OutOfPatienceAsync(Task attempt, CancellationToken stoppingToken)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stoppingToken.Register(stopped.SetResult);
        await Task.WhenAny(attempt, stopped.Task);
        await Task.WhenAny(attempt, Task.Delay(Options.StopPatience, clock, CancellationToken.None));
    }

    private async Task ReapAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Options.Reap, clock);
        do
        {
            try
            {
                var reaped = await leases.Store.ReapAsync(Options.RestartGrace, stoppingToken);
                if (reaped > 0)
                {
                    RunMeter.AttemptsLost(reaped);
                    logger.LogWarning("{Count} runs were taken from workers that stopped answering", reaped);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                logger.LogWarning("Expired leases could not be swept: {Reason}", PostgresErrors.Translate(e).Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
