using System.Diagnostics;
using Dapper;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

public sealed class WorkerProcessTests
{
    private const int Steps = 8;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_killed_worker_s_run_is_taken_over_and_its_finished_steps_are_not_done_again()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var queue = new JobQueue(database.DataSource);
        var id = await AskAsync(queue, secondsPerStep: 0.5);
        await using var first = PimmProcess.Start(database, "work");
        await UntilAsync(queue, id, run => run.Progress > 0.2);

        await using var second = PimmProcess.Start(database, "work");
        var killed = Stopwatch.StartNew();
        first.Signal("KILL");
        await UntilAsync(queue, id, run => run.Fence == 2);
        TestContext.Current.TestOutputHelper?.WriteLine($"taken over {killed.Elapsed.TotalSeconds:F1} s after SIGKILL with a lease of 4 s");

        var done = await FinishedAsync(queue, id);
        (done.State, done.Attempt).ShouldBe((JobStates.Succeeded, 2));
        var fences = await FencesAsync(database, id);
        fences.Count.ShouldBe(Steps);
        fences.ShouldBe(fences.Order());
        fences.Distinct().ShouldBe([1, 2]);
    }

    [Fact]
    public async Task A_worker_asked_to_stop_hands_its_run_back_and_ends_well()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var queue = new JobQueue(database.DataSource);
        var id = await AskAsync(queue, secondsPerStep: 30);
        await using var worker = PimmProcess.Start(database, "work");
        await UntilAsync(queue, id, run => run.State == JobStates.Running);

        var asked = Stopwatch.StartNew();
        worker.Signal("TERM");

        (await worker.ExitedAsync()).ShouldBe(0);
        TestContext.Current.TestOutputHelper?.WriteLine($"gone {asked.Elapsed.TotalSeconds:F1} s after SIGTERM");
        var run = await queue.GetAsync(id, Cancel);
        (run.State, run.Attempt, run.Owner).ShouldBe((JobStates.Queued, 0, null));
    }

    [Fact]
    public async Task A_worker_that_was_frozen_finds_its_run_taken_and_writes_nothing_more()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var queue = new JobQueue(database.DataSource);
        var id = await AskAsync(queue, secondsPerStep: 1);
        await using var frozen = PimmProcess.Start(database, "work");
        await UntilAsync(queue, id, run => run.Progress > 0.1);
        frozen.Signal("STOP");

        await using var other = PimmProcess.Start(database, "work");
        await UntilAsync(queue, id, run => run.Fence == 2);
        frozen.Signal("CONT");
        var done = await FinishedAsync(queue, id);

        (done.State, done.Fence).ShouldBe((JobStates.Succeeded, 2));
        var fences = await FencesAsync(database, id);
        fences.Count.ShouldBe(Steps);
        fences.ShouldBe(fences.Order());
        await WaitForAsync(() => frozen.Error.Contains("ends unfinished: Lost", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_run_is_cancelled_from_another_process()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var queue = new JobQueue(database.DataSource);
        var id = await AskAsync(queue, secondsPerStep: 30);
        await using var worker = PimmProcess.Start(database, "work");
        await UntilAsync(queue, id, run => run.State == JobStates.Running);

        var cancelled = await PimmProcess.RunAsync(database, "runs", "cancel", $"{id}");

        cancelled.ExitCode.ShouldBe(0);
        (await FinishedAsync(queue, id)).State.ShouldBe(JobStates.Cancelled);
    }

    private static Task<long> AskAsync(JobQueue queue, double secondsPerStep) =>
        queue.EnqueueAsync(new JobRequest("wait", "test", new { Steps, SecondsPerStep = secondsPerStep }), Cancel);

    private static async Task<List<long>> FencesAsync(TestDatabase database, long id)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        return [.. await connection.QueryAsync<long>("select fence from job_run_step where run_id = @id order by finished_at", new { id })];
    }

    private static async Task<JobRun> FinishedAsync(JobQueue queue, long id)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await queue.WaitAsync(id, limit.Token);
    }

    private static async Task UntilAsync(JobQueue queue, long id, Func<JobRun, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition(await queue.GetAsync(id, limit.Token)))
            await Task.Delay(50, limit.Token);
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        for (var waited = Stopwatch.StartNew(); !condition(); await Task.Delay(50))
            waited.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
    }
}
