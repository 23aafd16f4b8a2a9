using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>Leases are the database's time: a node's own clock starts nothing twice and takes nothing away.</summary>
public sealed class ClockTests
{
    [Theory]
    [InlineData(10, "a node's clock 10 s ahead")]
    [InlineData(60, "a node's clock 60 s ahead")]
    [InlineData(-60, "a node's clock 60 s behind")]
    [InlineData(86_400, "a node's clock a day ahead")]
    public Task A_node_with_a_wrong_clock_runs_nothing_twice(int seconds, string name) => FaultWorld.RunAsync(11, name, async world =>
    {
        var run = await world.AskAsync("right", count: 20, between: 0.3);
        world.StartWorker();
        await world.UntilAsync(run, one => one.Progress > 0);
        var wrong = world.StartWorker(settings: FakeClock.Ahead(TimeSpan.FromSeconds(seconds)));
        var others = await Task.WhenAll(Enumerable.Range(0, 4).Select(no => world.AskAsync($"{no}", count: 3, between: 0.2)));

        (await world.FinishedAsync(run)).Fence.ShouldBe(1);
        foreach (var other in others)
        {
            var done = await world.FinishedAsync(other);
            (done.State, done.Fence).ShouldBe((JobStates.Succeeded, 1));
        }

        wrong.HasExited.ShouldBeFalse();
        wrong.Error.ShouldContain("takes no run until it is set right");
        (await world.History.ChangesAsync()).ShouldAllBe(change => change.Owner == null || !change.Owner.Contains($"/{wrong.Id}", StringComparison.Ordinal));
        world.Recovered(null, "every run once, none taken over; the node says so and takes none");
    });
}
