using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Queueing;

/// <summary>Runs that wait for others.</summary>
public sealed class ChainTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_is_claimable_only_when_all_that_it_waits_for_have_succeeded()
    {
        await using var world = await QueueWorld.CreateAsync();
        var (one, two) = (await world.AskAsync("one"), await world.AskAsync("two"));
        var both = await AfterAsync(world, "both", one, two);

        (await world.Queue.GetAsync(both, Cancel)).WaitsFor.ShouldBe([one, two]);
        await SucceedAsync(world, one);
        (await world.Queue.GetAsync(both, Cancel)).WaitsFor.ShouldBe([two]);
        var second = (await world.ClaimSilentlyAsync())!;
        second.Id.ShouldBe(two);
        (await world.ClaimSilentlyAsync()).ShouldBeNull();
        await EndAsync(world, second, "succeeded");

        (await world.Queue.GetAsync(both, Cancel)).WaitsFor.ShouldBeEmpty();
        (await world.ClaimSilentlyAsync())!.Id.ShouldBe(both);
    }

    [Fact]
    public async Task A_waiting_run_starts_as_soon_as_the_one_before_it_has_succeeded()
    {
        await using var world = await QueueWorld.CreateAsync();
        var started = new List<long>();
        var first = await world.AskAsync("first");
        var last = await AfterAsync(world, "last", await AfterAsync(world, "middle", first));

        await world.StartAsync((run, _) => { lock (started) started.Add(run.RunId); return Task.CompletedTask; }, QueueWorld.Quick(slots: 3));

        (await world.FinishedAsync(last)).State.ShouldBe(JobStates.Succeeded);
        started.ShouldBe([first, last - 1, last]);
    }

    [Fact]
    public async Task When_one_fails_all_that_wait_for_it_fail_with_it_and_trying_it_again_queues_them_again()
    {
        await using var world = await QueueWorld.CreateAsync();
        var first = await world.AskAsync("first", maxAttempts: 1);
        var middle = await AfterAsync(world, "middle", first);
        var last = await AfterAsync(world, "last", middle);

        (await world.Store().FailAsync((await world.ClaimSilentlyAsync())!, "No rows: import some.")).ShouldBeTrue();

        var failed = await world.Queue.GetAsync(last, Cancel);
        (failed.State, failed.Error).ShouldBe((JobStates.Failed, $"Run {middle} (job) failed, so this run had nothing to go on: try run {middle} again."));
        (await world.Queue.GetAsync(middle, Cancel)).Error.ShouldBe($"Run {first} (job) failed, so this run had nothing to go on: try run {first} again.");

        await world.Queue.RetryAsync(first, Cancel);
        await world.StartAsync((_, _) => Task.CompletedTask);

        var done = await world.FinishedAsync(last);
        (done.State, done.Error, done.Attempt).ShouldBe((JobStates.Succeeded, null, 1));
    }

    [Fact]
    public async Task A_cancelled_or_abandoned_run_takes_those_that_wait_for_it_along()
    {
        await using var world = await QueueWorld.CreateAsync();
        var cancelled = await world.AskAsync("cancelled");
        var behind = await AfterAsync(world, "behind", cancelled);
        await world.Queue.RequestCancelAsync(cancelled, Cancel);
        (await world.Queue.GetAsync(behind, Cancel)).Error.ShouldBe($"Run {cancelled} (job) was cancelled, so this run had nothing to go on: try run {cancelled} again.");

        var abandoned = await world.AskAsync("abandoned", maxAttempts: 1);
        var alone = await AfterAsync(world, "alone", abandoned);
        (await world.ClaimSilentlyAsync())!.Id.ShouldBe(abandoned);
        await world.ExpireLeaseAsync(abandoned);
        await world.Store().ReapAsync(TimeSpan.Zero, Cancel);
        (await world.Queue.GetAsync(alone, Cancel)).State.ShouldBe(JobStates.Failed);
    }

    [Fact]
    public async Task A_run_with_two_lost_predecessors_waits_until_both_are_tried_again()
    {
        await using var world = await QueueWorld.CreateAsync();
        var (one, two) = (await world.AskAsync("one"), await world.AskAsync("two"));
        var both = await AfterAsync(world, "both", one, two);
        await world.Queue.RequestCancelAsync(one, Cancel);
        await world.Queue.RequestCancelAsync(two, Cancel);

        await world.Queue.RetryAsync(one, Cancel);
        (await world.Queue.GetAsync(both, Cancel)).Error.ShouldBe($"Run {two} (job) was cancelled, so this run had nothing to go on: try run {two} again.");
        await world.Queue.RetryAsync(two, Cancel);
        (await world.Queue.GetAsync(both, Cancel)).State.ShouldBe(JobStates.Queued);
    }

    [Fact]
    public async Task A_run_that_a_person_cancelled_and_one_that_had_started_stay_as_they_are_when_another_is_tried_again()
    {
        await using var world = await QueueWorld.CreateAsync();
        var first = await world.AskAsync("first");
        var unwanted = await AfterAsync(world, "unwanted", first);
        var started = await AfterAsync(world, "started", first);
        await world.Queue.RequestCancelAsync(unwanted, Cancel);
        await SucceedAsync(world, first);
        await world.Store().FailAsync((await world.ClaimSilentlyAsync())!, "Its own fault.");
        await world.ScalarAsync<int>($"update job_run set state = 'failed' where id = {first}");

        await world.Queue.RetryAsync(first, Cancel);

        (await world.Queue.GetAsync(unwanted, Cancel)).State.ShouldBe(JobStates.Cancelled);
        (await world.Queue.GetAsync(started, Cancel)).Error.ShouldBe("Its own fault.");
    }

    [Fact]
    public async Task A_run_asked_for_after_one_that_failed_meanwhile_fails_too_however_close_the_two_are()
    {
        await using var world = await QueueWorld.CreateAsync();
        for (var round = 0; round < 20; round++)
        {
            var first = await world.AskAsync($"first {round}");
            var asking = AfterAsync(world, $"second {round}", first);
            await Task.WhenAll(asking, world.Queue.RequestCancelAsync(first, Cancel));
            (await world.Queue.GetAsync(await asking, Cancel)).State.ShouldBe(JobStates.Failed);
        }
    }

    private static Task<long> AfterAsync(QueueWorld world, string key, params long[] after) =>
        world.Queue.EnqueueAsync(new JobRequest("job", key, new { }, After: after), Cancel);

    private static async Task SucceedAsync(QueueWorld world, long id)
    {
        var run = (await world.ClaimSilentlyAsync())!;
        run.Id.ShouldBe(id);
        await EndAsync(world, run, "succeeded");
    }

    private static Task EndAsync(QueueWorld world, ClaimedRun run, string state) => world.ScalarAsync<int>(
        $"update job_run set state = '{state}', finished_at = clock_timestamp(), owner = null, lease_until = null where id = {run.Id}");
}
