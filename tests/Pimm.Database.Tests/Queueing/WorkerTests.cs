using System.Diagnostics;
using Dapper;
using Pimm.Core;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Queueing;

public sealed class WorkerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_succeeds_with_its_result_its_progress_and_its_log()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync("a");
        await world.StartAsync(async (run, cancel) =>
        {
            run.Log("one");
            run.Warn("two\0");
            run.Report(0.25, "a quarter");
            await run.CompleteAsync(new { Key = run.Arguments.GetProperty("key").GetString(), Infinite = double.PositiveInfinity }, null, cancel);
        });

        var done = await world.FinishedAsync(id);

        (done.State, done.Progress, done.Attempt, done.Owner).ShouldBe((JobStates.Succeeded, 1f, 1, null));
        done.Result.ShouldBe("""{"key": "a", "infinite": "Infinity"}""");
        (await world.Queue.ListLogAsync(id, Cancel)).Select(line => (line.Level, line.Message)).ShouldBe([("information", "one"), ("warning", "two ")]);
    }

    [Fact]
    public async Task Several_runs_are_read_at_once_each_with_its_own_log()
    {
        await using var world = await QueueWorld.CreateAsync();
        var (first, second) = (await world.AskAsync("a"), await world.AskAsync("b"));
        await world.StartAsync(async (run, cancel) =>
        {
            run.Log(run.Arguments.GetProperty("key").GetString()!);
            run.Log("done");
            await run.CompleteAsync(new { }, null, cancel);
        });
        await world.FinishedAsync(first);
        await world.FinishedAsync(second);
        var unlogged = await world.AskAsync("c", requires: ["what no worker offers"]);

        var read = await world.Queue.ListWithLogsAsync([second, unlogged, first, first, unlogged + 1], Cancel);

        read.Select(one => (one.Run.Id, string.Join(' ', one.Log.Select(line => line.Message)))).ShouldBe([(first, "a done"), (second, "b done"), (unlogged, "")]);
    }

    [Fact]
    public async Task A_run_that_waits_is_taken_at_once_by_notification()
    {
        await using var world = await QueueWorld.CreateAsync();
        var patient = QueueWorld.Quick();
        patient.Poll = TimeSpan.FromMinutes(10);
        await world.StartAsync((_, _) => Task.CompletedTask, patient);
        await Task.Delay(500, Cancel);

        var asked = Stopwatch.StartNew();
        await world.FinishedAsync(await world.AskAsync(), seconds: 5);

        asked.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task A_run_is_kept_beyond_its_lease_and_reports_at_most_once_a_second()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        var attempts = 0;
        await world.StartAsync(async (run, cancel) =>
        {
            Interlocked.Increment(ref attempts);
            for (var until = Stopwatch.StartNew(); until.Elapsed < TimeSpan.FromSeconds(5); await Task.Delay(5, cancel))
                run.Report(until.Elapsed.TotalSeconds / 5, "working");
        }, Slow());
        await world.StartAsync((_, _) => { Interlocked.Increment(ref attempts); return Task.CompletedTask; });

        await using var listener = await world.Database.DataSource.OpenConnectionAsync(Cancel);
        var told = 0;
        listener.Notification += (_, _) => told++;
        await listener.ExecuteAsync("listen pimm_job");
        while ((await world.Queue.GetAsync(id, Cancel)).State != JobStates.Succeeded)
            await listener.WaitAsync(TimeSpan.FromMilliseconds(500), Cancel);

        attempts.ShouldBe(1);
        told.ShouldBeLessThanOrEqualTo(8);

        static QueueingOptions Slow()
        {
            var options = QueueWorld.Quick();
            (options.Lease, options.Heartbeat, options.SelfFence) = (TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2.5));
            return options;
        }
    }

    [Fact]
    public async Task An_exception_is_tried_again_and_the_last_one_fails_the_run_with_sentence_and_detail()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync(maxAttempts: 2);
        var attempts = 0;
        await world.StartAsync((_, _) => { attempts++; throw new InvalidOperationException("The disk is on fire: leave."); });

        var failed = await world.FinishedAsync(id);

        (failed.State, failed.Attempt, attempts).ShouldBe((JobStates.Failed, 2, 2));
        failed.ErrorSentence.ShouldBe("The disk is on fire: leave.");
        failed.Error!.ShouldContain(nameof(WorkerTests));
    }

    [Fact]
    public async Task Wrong_input_is_not_tried_again()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        await world.StartAsync((_, _) => throw new InputException("Column x is missing: add it."));

        var failed = await world.FinishedAsync(id);

        (failed.State, failed.Attempt, failed.Error).ShouldBe((JobStates.Failed, 1, "Column x is missing: add it."));
    }

    [Fact]
    public async Task A_running_run_hears_of_its_cancellation_by_the_heartbeat()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        await world.StartAsync((_, cancel) => Task.Delay(Timeout.Infinite, cancel));
        await world.UntilAsync(id, run => run.State == JobStates.Running);

        await world.Queue.RequestCancelAsync(id, Cancel);

        (await world.FinishedAsync(id, seconds: 5)).State.ShouldBe(JobStates.Cancelled);
    }

    [Fact]
    public async Task A_run_over_its_budget_fails_at_once_and_can_commit_nothing_more()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync(maxDuration: TimeSpan.FromSeconds(1));
        var deaf = new TaskCompletionSource();
        Exception? refused = null;
        await world.StartAsync(async (run, _) =>
        {
            await deaf.Task;
            refused = await Record.ExceptionAsync(() => run.CommitAsync(_ => Task.CompletedTask, CancellationToken.None));
        });

        var failed = await world.FinishedAsync(id, seconds: 5);
        deaf.SetResult();

        failed.State.ShouldBe(JobStates.Failed);
        failed.Error.ShouldBe("The run took longer than its budget of 00:00:01: give it more time or less to do, then try it again.");
        await WaitForAsync(() => refused is not null);
        refused.ShouldBeOfType<LeaseLostException>();
    }

    [Fact]
    public async Task A_stopped_worker_hands_its_run_back_without_counting_the_attempt_and_another_takes_it()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync(maxAttempts: 1);
        var first = await world.StartAsync((_, cancel) => Task.Delay(Timeout.Infinite, cancel));
        await world.UntilAsync(id, run => run.State == JobStates.Running);

        await first.StopAsync(Cancel);
        (await world.Queue.GetAsync(id, Cancel)).Attempt.ShouldBe(0);
        await world.StartAsync((_, _) => Task.CompletedTask);

        var done = await world.FinishedAsync(id);
        (done.State, done.Attempt, done.Fence).ShouldBe((JobStates.Succeeded, 1, 2));
    }

    [Fact]
    public async Task A_job_that_does_not_listen_is_handed_back_when_patience_ends()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        var impatient = QueueWorld.Quick();
        impatient.StopPatience = TimeSpan.FromMilliseconds(300);
        var deaf = new TaskCompletionSource();
        var worker = await world.StartAsync((_, _) => deaf.Task, impatient);
        await world.UntilAsync(id, run => run.State == JobStates.Running);

        await worker.StopAsync(Cancel);

        (await world.Queue.GetAsync(id, Cancel)).State.ShouldBe(JobStates.Queued);
        deaf.SetResult();
    }

    [Fact]
    public async Task Slots_run_at_the_same_time()
    {
        await using var world = await QueueWorld.CreateAsync();
        var ids = await Task.WhenAll(world.AskAsync("a"), world.AskAsync("b"), world.AskAsync("c"));
        using var together = new Barrier(3);
        await world.StartAsync((_, _) => Task.Run(() => together.SignalAndWait(TimeSpan.FromSeconds(10)).ShouldBeTrue()), QueueWorld.Quick(slots: 3));

        foreach (var id in ids)
            (await world.FinishedAsync(id)).State.ShouldBe(JobStates.Succeeded);
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        for (var waited = Stopwatch.StartNew(); !condition() && waited.Elapsed < TimeSpan.FromSeconds(5);)
            await Task.Delay(20);
    }
}
