using Microsoft.Extensions.Logging;
using Pimm.Core.Database;

namespace Pimm.Core.Queueing;

/// <summary>Why the token of a run was cancelled.</summary>
internal enum LeaseEnd { None, Lost, CancelRequested, BudgetSpent, HandedBack }

/// <summary>
/// Keeps one claimed run ours: heartbeats on their own connections, with progress and log lines on board; tells the job to stop
/// when the run is lost, cancelled, over its budget or to be handed back.
/// </summary>
internal sealed class Lease : IAsyncDisposable
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    private readonly LeaseStore store;
    private readonly QueueingOptions options;
    private readonly TimeProvider clock;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stop = new();
    private readonly CancellationTokenSource closed = new();
    private readonly SemaphoreSlim beating = new(1, 1);
    private readonly Lock gate = new();
    private readonly long started;
    private readonly Task beats;
    private List<PendingLogLine> log = [];
    private int lines;
    private (float Share, string Message)? progress;
    private long accepted;
    private LeaseEnd end;

    public Lease(ClaimedRun run, LeaseStore store, QueueingOptions options, TimeProvider clock, ILogger logger)
    {
        (Run, this.store, this.options, this.clock, this.logger) = (run, store, options, clock, logger);
        started = accepted = clock.GetTimestamp();
        Token = stop.Token;
        beats = Task.Run(BeatUntilClosedAsync);
    }

    public ClaimedRun Run { get; }

    public CancellationToken Token { get; }

    /// <summary>Set while the final statement is under way: a heartbeat that finds the run finished is then no loss.</summary>
    public bool Completing { get; set; }

    public LeaseEnd End { get { lock (gate) return end; } }

    /// <summary>False when no heartbeat has been accepted for so long that another worker may be about to take the run.</summary>
    public bool IsFresh => clock.GetElapsedTime(Interlocked.Read(ref accepted)) < options.SelfFence;

    public void Report(float share, string message)
    {
        lock (gate) progress = (share, message);
    }

    public void Log(string level, string message)
    {
        lock (gate) log.Add(new PendingLogLine(++lines, level, message));
    }

    public void Stop(LeaseEnd reason)
    {
        lock (gate)
        {
            if (end != LeaseEnd.None) return;
            end = reason;
        }
        stop.Cancel();
    }

    /// <summary>Waits until a heartbeat has lately been accepted: work may go on without the database, effects may not.</summary>
    public async Task ConfirmAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (End is LeaseEnd.Lost or LeaseEnd.BudgetSpent)
                throw new LeaseLostException(Run.Id, Run.Fence);
            if (IsFresh) return;
            await Task.Delay(Tick, clock, cancellationToken);
        }
    }

    /// <summary>One heartbeat with whatever has been reported since the last one. A database that does not answer is waited out.</summary>
    public async Task BeatAsync()
    {
        await beating.WaitAsync();
        var (share, lines) = Take();
        try
        {
            var before = clock.GetTimestamp();
            var cancel = await store.BeatAsync(Run, options.Lease, share?.Share, share?.Message, lines, closed.Token);
            if (cancel is null && !Completing)
                Stop(LeaseEnd.Lost);
            else if (cancel is not null)
                Interlocked.Exchange(ref accepted, before);
            if (cancel == true)
                Stop(LeaseEnd.CancelRequested);
        }
        catch (Exception e) when (e is not OperationCanceledException || !closed.IsCancellationRequested)
        {
            PutBack(share, lines);
            RunMeter.HeartbeatFailed(Run.Kind);
            logger.LogWarning("Heartbeat of run {Run} failed: {Reason}", Run.Id, PostgresErrors.Translate(e).Message);
        }
        finally
        {
            beating.Release();
        }
    }

    private TimeSpan Tick => options.Heartbeat < ProgressInterval ? options.Heartbeat : ProgressInterval;

    private async Task BeatUntilClosedAsync()
    {
        using var timer = new PeriodicTimer(Tick, clock);
        var lastBeat = started;
        try
        {
            while (await timer.WaitForNextTickAsync(closed.Token))
            {
                if (End == LeaseEnd.Lost) return;
                await SpendBudgetAsync();
                if (!HasNews && clock.GetElapsedTime(lastBeat) < options.Heartbeat - (Tick / 2)) continue;
                lastBeat = clock.GetTimestamp();
                await BeatAsync();
            }
        }
        catch (OperationCanceledException) when (closed.IsCancellationRequested)
        {
        }
    }

    /// <summary>Failed in the database first: from then on a job that does not listen can no longer commit anything.</summary>
    private async Task SpendBudgetAsync()
    {
        if (Completing || End != LeaseEnd.None || Run.MaxDuration is not { } budget || clock.GetElapsedTime(started) < budget) return;
        try
        {
            await BeatAsync();
            if (await store.FailAsync(Run, $"The run took longer than its budget of {budget:c}: give it more time or less to do, then try it again."))
                Stop(LeaseEnd.BudgetSpent);
        }
        catch (Exception e) when (e is not OperationCanceledException || !closed.IsCancellationRequested)
        {
            logger.LogWarning("Run {Run} is over its budget, which could not be written: {Reason}", Run.Id, PostgresErrors.Translate(e).Message);
        }
    }

    /// <summary>Lines that no heartbeat has taken along.</summary>
    public IReadOnlyList<PendingLogLine> TakeLog()
    {
        lock (gate)
        {
            var taken = log;
            log = [];
            return taken;
        }
    }

    public void PutBackLog(IReadOnlyList<PendingLogLine> lines)
    {
        lock (gate) log.InsertRange(0, lines);
    }

    private bool HasNews { get { lock (gate) return progress is not null || log.Count > 0; } }

    private ((float Share, string Message)? Progress, List<PendingLogLine> Log) Take()
    {
        lock (gate)
        {
            var taken = (progress, log);
            (progress, log) = (null, []);
            return taken;
        }
    }

    private void PutBack((float Share, string Message)? share, List<PendingLogLine> lines)
    {
        lock (gate)
        {
            progress ??= share;
            log.InsertRange(0, lines);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await closed.CancelAsync();
        await beats;
        stop.Dispose();
        closed.Dispose();
        beating.Dispose();
    }
}
