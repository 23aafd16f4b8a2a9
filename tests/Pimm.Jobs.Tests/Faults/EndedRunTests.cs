using System.Diagnostics;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>Runs that somebody ends: a stopping worker, a user, or the run itself by killing whoever takes it.</summary>
public sealed class EndedRunTests
{
    [Fact]
    public Task A_worker_asked_to_stop_is_gone_soon_and_its_run_goes_on_elsewhere_uncounted() => FaultWorld.RunAsync(14, "SIGTERM", async world =>
    {
        var run = await world.AskAsync("stopped", count: 20, between: 0.3);
        var stopped = world.StartWorker();
        await world.UntilAsync(run, one => one.Progress > 0.2);
        world.StartWorker();

        var (asked, clock) = (DateTimeOffset.UtcNow, Stopwatch.StartNew());
        stopped.Signal("TERM");
        var exitCode = await stopped.ExitedAsync();
        var gone = clock.Elapsed;
        var done = await world.FinishedAsync(run);

        exitCode.ShouldBe(0);
        gone.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        (done.State, done.Attempt, done.Fence).ShouldBe((JobStates.Succeeded, 1, 2));
        await world.RecoveredAsync(run, asked, $"the worker was gone after {gone.TotalSeconds:F1} s, no attempt counted");
    });

    [Fact]
    public Task A_queued_run_that_is_cancelled_never_starts() => FaultWorld.RunAsync(15, "cancel a queued run", async world =>
    {
        var run = await world.AskAsync("cancelled", count: 3);

        (await world.Queue.RequestCancelAsync(run)).State.ShouldBe(JobStates.Cancelled);

        world.StartWorker();
        await world.FinishedAsync(await world.AskAsync("another", count: 1));
        (await world.Queue.GetAsync(run)).Fence.ShouldBe(0);
        world.Recovered(null, "cancelled at once");
    });

    [Fact]
    public Task A_running_run_that_is_cancelled_stops_within_one_batch_and_five_seconds() => FaultWorld.RunAsync(15, "cancel a running run", async world =>
    {
        const double Batch = 0.3;
        var run = await world.AskAsync("cancelled", count: 200, between: Batch);
        world.StartWorker();
        await world.UntilAsync(run, one => one.Progress > 0);

        var clock = Stopwatch.StartNew();
        await world.Queue.RequestCancelAsync(run);
        var done = await world.FinishedAsync(run);

        done.State.ShouldBe(JobStates.Cancelled);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(Batch + 5));
        world.Recovered(null, $"cancelled after {clock.Elapsed.TotalSeconds:F1} s");
    });

    [Fact]
    public Task A_run_cancelled_at_its_last_batch_ends_in_one_state() => FaultWorld.RunAsync(15, "cancel at the last batch", async world =>
    {
        const string Fault = "effects.file-renamed:stop";
        var run = await world.AskAsync("cancelled", count: 2);
        var worker = world.StartWorker(Fault);
        await world.HappenedAsync(Fault);

        await world.Queue.RequestCancelAsync(run);
        worker.Signal("CONT");
        var done = await world.FinishedAsync(run);

        done.State.ShouldBeOneOf(JobStates.Cancelled, JobStates.Succeeded);
        world.Recovered(null, $"{done.State}, and only that");
    });

    [Fact]
    public Task A_run_cancelled_while_its_worker_is_killed_is_cancelled_and_not_taken_over() => FaultWorld.RunAsync(15, "cancel and kill -9", async world =>
    {
        const string Fault = "effects.committed:kill:2";
        var run = await world.AskAsync("cancelled", count: 5);
        world.StartWorker(Fault);
        var at = await world.HappenedAsync(Fault);
        await world.Queue.RequestCancelAsync(run);
        world.StartWorker();

        var done = await world.FinishedAsync(run);

        (done.State, done.Fence).ShouldBe((JobStates.Cancelled, 1));
        world.Recovered((done.FinishedAt!.Value - at).TotalSeconds, "cancelled when the lease had run out");
    });

    [Fact]
    public Task A_run_that_kills_every_worker_fails_after_three_attempts_and_blocks_nobody() => FaultWorld.RunAsync(38, "a poison run", async world =>
    {
        var everyTime = new Dictionary<string, string> { ["PIMM_FAULT"] = "effects.poison:kill:-" };
        var poison = await world.AskAsync("poison", count: 1, poison: true);
        var healthy = await world.AskAsync("healthy", count: 3);
        var (clock, worker) = (Stopwatch.StartNew(), world.StartWorker(settings: everyTime));
        await FaultWorld.UntilAsync(async () =>
        {
            worker = worker.HasExited ? world.StartWorker(settings: everyTime) : worker;
            return (await world.Queue.GetAsync(poison)).IsFinished;
        }, "the poison run has ended");
        var took = clock.Elapsed.TotalSeconds;

        var done = await world.Queue.GetAsync(poison);

        (done.State, done.Attempt).ShouldBe((JobStates.Failed, 3));
        done.ErrorSentence!.ShouldContain("stopped answering in attempt 3 of 3");
        (await world.FinishedAsync(healthy)).State.ShouldBe(JobStates.Succeeded);
        world.Recovered(null, $"failed after three attempts, {took:F1} s; the run behind it succeeded");
    });
}
