using System.Diagnostics;
using Dapper;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Queueing;

public sealed class FenceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Result_and_last_effect_are_one_transaction()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync(maxAttempts: 1);
        await world.StartAsync((run, cancel) => run.CompleteAsync(new { }, async connection =>
        {
            await connection.ExecuteAsync($"insert into job_run_step (run_id, step, fence) values ({run.RunId}, 'half', 1)");
            throw new InvalidOperationException("half way");
        }, cancel));

        (await world.FinishedAsync(id)).State.ShouldBe(JobStates.Failed);
        (await world.ScalarAsync<long>("select count(*) from job_run_step")).ShouldBe(0);
    }

    [Fact]
    public async Task A_finished_step_is_skipped_by_the_next_attempt()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        var effects = 0;
        await world.StartAsync(async (run, cancel) =>
        {
            await run.StepAsync("first", _ => { effects++; return Task.CompletedTask; }, cancel);
            if (run.Attempt == 1) throw new InvalidOperationException("between the steps");
        });

        (await world.FinishedAsync(id)).Attempt.ShouldBe(2);
        effects.ShouldBe(1);
    }

    [Fact]
    public async Task A_zombie_s_commit_is_refused_its_token_cancelled_and_the_new_owner_undisturbed()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        var taken = new TaskCompletionSource();
        var refusals = new List<Exception?>();
        var cancelled = false;
        await world.StartAsync(async (run, cancel) =>
        {
            if (run.Fence > 1) return;
            await taken.Task;
            refusals.Add(await Record.ExceptionAsync(() => run.CommitAsync(WriteAsync(run.RunId), CancellationToken.None)));
            refusals.Add(await Record.ExceptionAsync(() => run.CompleteAsync(new { Zombie = true }, WriteAsync(run.RunId), CancellationToken.None)));
            cancelled = cancel.IsCancellationRequested;
        });
        await world.UntilAsync(id, run => run.State == JobStates.Running);

        await world.ScalarAsync<int>($"update job_run set fence = fence + 1, owner = 'other', lease_until = clock_timestamp() + interval '1 hour' where id = {id}");
        taken.SetResult();
        await WaitForAsync(() => refusals.Count == 2 && cancelled);

        refusals.ShouldAllBe(refused => refused is LeaseLostException);
        (await world.ScalarAsync<long>("select count(*) from job_run_step")).ShouldBe(0);
        var run = await world.Queue.GetAsync(id, Cancel);
        (run.State, run.Owner, run.Result).ShouldBe((JobStates.Running, "other", null));

        static Func<Npgsql.NpgsqlConnection, Task> WriteAsync(long runId) =>
            connection => connection.ExecuteAsync("insert into job_run_step (run_id, step, fence) values (@runId, 'zombie', 1)", new { runId });
    }

    [Fact]
    public async Task A_zombie_writes_no_log_line_and_no_progress()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        var lost = new TaskCompletionSource();
        await world.StartAsync(async (run, cancel) =>
        {
            await lost.Task;
            run.Log("still here");
            run.Report(0.9, "nearly");
            await Task.Delay(Timeout.Infinite, cancel);
        });
        await world.UntilAsync(id, run => run.State == JobStates.Running);

        await world.ScalarAsync<int>($"update job_run set fence = fence + 1, lease_until = clock_timestamp() + interval '1 hour' where id = {id}");
        lost.SetResult();
        await Task.Delay(2_500, Cancel);

        (await world.Queue.ListLogAsync(id, Cancel)).ShouldBeEmpty();
        (await world.Queue.GetAsync(id, Cancel)).Progress.ShouldBeNull();
    }

    [Fact]
    public async Task A_long_effect_does_not_keep_heartbeats_waiting()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        await world.StartAsync((run, cancel) => run.CompleteAsync(null, connection => connection.ExecuteAsync("select pg_sleep(6)"), cancel));
        await world.StartAsync((_, _) => Task.CompletedTask);

        var oldest = TimeSpan.Zero;
        JobRun run;
        while (!(run = await world.Queue.GetAsync(id, Cancel)).IsFinished)
        {
            if (run.State == JobStates.Running)
                oldest = TimeSpan.FromSeconds(Math.Max(oldest.TotalSeconds, await world.ScalarAsync<double>($"select extract(epoch from clock_timestamp() - heartbeat_at)::float8 from job_run where id = {id} and state = 'running'")));
            await Task.Delay(50, Cancel);
        }

        (run.State, run.Fence).ShouldBe((JobStates.Succeeded, 1));
        oldest.ShouldBeLessThan(TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task Without_the_database_s_answer_no_effect_starts_and_afterwards_work_goes_on()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        var blocked = new TaskCompletionSource();
        var waited = TimeSpan.Zero;
        var options = QueueWorld.Quick();
        (options.Lease, options.SelfFence) = (TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(1));
        await world.StartAsync(async (run, cancel) =>
        {
            await blocked.Task;
            await Task.Delay(1_500, cancel);
            var watch = Stopwatch.StartNew();
            await run.ConfirmLeaseAsync(cancel);
            waited = watch.Elapsed;
        }, options);
        await world.UntilAsync(id, run => run.State == JobStates.Running);

        await using (var other = await world.Database.Owner.OpenConnectionAsync(Cancel))
        await using (var transaction = await other.BeginTransactionAsync(Cancel))
        {
            await other.ExecuteAsync($"select 1 from job_run where id = {id} for update");
            blocked.SetResult();
            await Task.Delay(3_500, Cancel);
        }

        (await world.FinishedAsync(id)).State.ShouldBe(JobStates.Succeeded);
        waited.ShouldBeGreaterThan(TimeSpan.FromSeconds(1));
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        for (var waited = Stopwatch.StartNew(); !condition() && waited.Elapsed < TimeSpan.FromSeconds(8);)
            await Task.Delay(20);
    }
}
