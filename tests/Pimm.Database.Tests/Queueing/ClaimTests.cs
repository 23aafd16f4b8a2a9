using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Queueing;

public sealed class ClaimTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Eight_claimers_at_once_take_each_run_exactly_once()
    {
        await using var world = await QueueWorld.CreateAsync();
        var asked = new List<long>();
        for (var n = 0; n < 200; n++)
            asked.Add(await world.AskAsync($"run {n}"));

        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => ClaimAllAsync(world, $"claimer {n}")));

        taken.SelectMany(ids => ids).Order().ShouldBe(asked);
        taken.Count(ids => ids.Count > 0).ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task The_oldest_run_comes_first()
    {
        await using var world = await QueueWorld.CreateAsync();
        var first = await world.AskAsync("first");
        await world.AskAsync("second");

        (await world.ClaimSilentlyAsync())!.Id.ShouldBe(first);
    }

    [Fact]
    public async Task A_run_is_taken_only_by_a_worker_that_offers_all_it_requires()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync(requires: ["gpu", "large"]);

        (await world.Store().ClaimAsync(["job"], "plain", Offering(), Cancel)).ShouldBeNull();
        (await world.Store().ClaimAsync(["job"], "half", Offering("gpu"), Cancel)).ShouldBeNull();
        (await world.Store().ClaimAsync(["other"], "other kind", Offering("gpu", "large"), Cancel)).ShouldBeNull();
        (await world.Store().ClaimAsync(["job"], "whole", Offering("large", "gpu", "fast"), Cancel))!.Id.ShouldBe(id);
    }

    [Fact]
    public async Task A_live_lease_is_left_alone_and_an_expired_one_taken_with_a_higher_fence()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        var first = (await world.ClaimSilentlyAsync("first"))!;

        (await world.ClaimSilentlyAsync("second")).ShouldBeNull();
        await world.ExpireLeaseAsync(id);
        var second = (await world.ClaimSilentlyAsync("second"))!;

        second.Fence.ShouldBe(first.Fence + 1);
        second.Attempt.ShouldBe(2);
    }

    [Fact]
    public async Task After_a_restart_of_the_database_owners_get_a_grace_to_renew()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        await world.ClaimSilentlyAsync();
        await world.ExpireLeaseAsync(id);
        var grace = QueueWorld.Quick();
        grace.RestartGrace = TimeSpan.FromHours(1);

        (await world.Store().ClaimAsync(["job"], "second", grace, Cancel)).ShouldBeNull();
        (await world.Store().ReapAsync(grace.RestartGrace, Cancel)).ShouldBe(0);
        (await world.Store().ReapAsync(TimeSpan.Zero, Cancel)).ShouldBe(1);
    }

    [Fact]
    public async Task A_worker_that_could_not_reach_the_database_gives_owners_a_grace_when_it_is_back()
    {
        await using var world = await QueueWorld.CreateAsync();
        var lost = await world.AskAsync("lost");
        await world.ClaimSilentlyAsync();
        var (clock, grace) = (new Clock(), QueueWorld.Quick());
        grace.RestartGrace = TimeSpan.FromMilliseconds(1);
        await world.ScalarAsync<int>($"alter database {world.Database.Name} connection limit 0");
        await using var connections = Pimm.Core.Database.DataSources.ForLeases(world.Database.Options);
        var store = new LeaseStore(connections, clock);
        await Should.ThrowAsync<Exception>(() => store.ReapAsync(grace.RestartGrace, Cancel));
        await world.ScalarAsync<int>($"alter database {world.Database.Name} connection limit -1");
        await world.ExpireLeaseAsync(lost);

        (await store.ReapAsync(grace.RestartGrace, Cancel)).ShouldBe(0);
        (await store.ClaimAsync(["job"], "back", grace, Cancel)).ShouldBeNull();
        var waiting = await world.AskAsync("waiting");
        (await store.ClaimAsync(["job"], "back", grace, Cancel))!.Id.ShouldBe(waiting);

        clock.Passed = TimeSpan.FromMilliseconds(2);
        (await store.ReapAsync(grace.RestartGrace, Cancel)).ShouldBe(1);
    }

    [Fact]
    public async Task The_sweep_re_queues_while_attempts_are_left_and_then_fails_the_run()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync(maxAttempts: 2);

        await LoseAsync(world, id);
        (await world.Queue.GetAsync(id, Cancel)).State.ShouldBe(JobStates.Queued);
        await LoseAsync(world, id);

        var failed = await world.Queue.GetAsync(id, Cancel);
        failed.State.ShouldBe(JobStates.Failed);
        failed.Error.ShouldBe("The worker silent stopped answering in attempt 2 of 2: look at its log, then try the run again.");
        (await world.ClaimSilentlyAsync()).ShouldBeNull();
        (await world.Queue.RetryAsync(id, Cancel)).Attempt.ShouldBe(0);
        (await world.ClaimSilentlyAsync())!.Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task A_run_out_of_attempts_is_not_claimed_even_when_its_lease_has_expired()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync(maxAttempts: 1);
        await world.ClaimSilentlyAsync();
        await world.ExpireLeaseAsync(id);

        (await world.ClaimSilentlyAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task A_cancelled_run_whose_worker_died_becomes_cancelled()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        await world.ClaimSilentlyAsync();
        (await world.Queue.RequestCancelAsync(id, Cancel)).State.ShouldBe(JobStates.Running);
        await world.ExpireLeaseAsync(id);

        (await world.ClaimSilentlyAsync()).ShouldBeNull();
        await world.Store().ReapAsync(TimeSpan.Zero, Cancel);

        (await world.Queue.GetAsync(id, Cancel)).State.ShouldBe(JobStates.Cancelled);
    }

    [Fact]
    public async Task A_hand_back_leaves_the_attempts_as_they_were()
    {
        await using var world = await QueueWorld.CreateAsync();
        var id = await world.AskAsync();
        var claimed = (await world.ClaimSilentlyAsync())!;

        (await world.Store().HandBackAsync(claimed)).ShouldBeTrue();

        var run = await world.Queue.GetAsync(id, Cancel);
        (run.State, run.Attempt, run.Fence).ShouldBe((JobStates.Queued, 0, 1));
        (await world.Store().HandBackAsync(claimed)).ShouldBeFalse();
    }

    private static async Task LoseAsync(QueueWorld world, long id)
    {
        (await world.ClaimSilentlyAsync())!.Id.ShouldBe(id);
        await world.ExpireLeaseAsync(id);
        (await world.Store().ReapAsync(TimeSpan.Zero, Cancel)).ShouldBe(1);
    }

    private static async Task<List<long>> ClaimAllAsync(QueueWorld world, string owner)
    {
        var store = world.Store();
        var taken = new List<long>();
        while (await store.ClaimAsync(["job"], owner, QueueWorld.Quick(), Cancel) is { } run)
            taken.Add(run.Id);
        return taken;
    }

    private static QueueingOptions Offering(params string[] capabilities)
    {
        var options = QueueWorld.Quick();
        options.Capabilities = capabilities;
        return options;
    }

    /// <summary>Stands still until a test says otherwise.</summary>
    private sealed class Clock : TimeProvider
    {
        public TimeSpan Passed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Passed.Ticks;
    }
}
