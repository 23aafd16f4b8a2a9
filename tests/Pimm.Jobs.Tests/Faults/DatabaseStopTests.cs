using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>A PostgreSQL of its own that goes away as in a power cut and comes back.</summary>
public sealed class DatabaseStopTests
{
    [Fact]
    public Task Five_seconds_without_the_database_take_no_run_away() => StoppedAsync("PostgreSQL stopped for 5 s", TimeSpan.FromSeconds(5), computes: 9);

    [Fact]
    public Task Forty_seconds_without_the_database_take_no_run_away() => StoppedAsync("PostgreSQL stopped for 40 s", TimeSpan.FromSeconds(40), computes: 44);

    /// <summary>The product's own intervals: a lease of 30 s.</summary>
    private static async Task StoppedAsync(string name, TimeSpan outage, double computes)
    {
        await using var cluster = PrivateCluster.Start("max_connections=60");
        await FaultWorld.RunAsync(7, name, async world =>
        {
            var settings = new Dictionary<string, string>(FaultWorld.ProductIntervals) { ["Queueing__Slots"] = "2" };
            var computing = await world.AskAsync("computing", count: 3, before: computes);
            var writing = await world.AskAsync("writing", count: 10, between: 0.3);
            world.StartWorker(settings: settings);
            world.StartWorker(settings: settings);
            await world.UntilAsync(writing, run => run.Progress > 0);
            await cluster.StopAsync();
            await Task.Delay(outage);
            await cluster.RestartAsync();
            var back = DateTimeOffset.UtcNow;
            world.Reconnect();

            var computed = await world.FinishedAsync(computing);
            var wrote = await world.FinishedAsync(writing);

            (computed.State, computed.Fence).ShouldBe((JobStates.Succeeded, 1));
            wrote.State.ShouldBe(JobStates.Succeeded);
            var (kept, resumed) = (await world.History.FirstSignAsync(computing, back), await world.History.FirstSignAsync(writing, back));
            world.Recovered(Math.Max(kept, resumed), FormattableString.Invariant($"counted from its return: the computing run's lease renewed after {kept:F1} s, the writing one went on after {resumed:F1} s under fence {wrote.Fence}"));
            kept.ShouldBeLessThan(15);
            resumed.ShouldBeLessThan(15);
        }, TestDatabase.MigratedAsync(cluster));
    }
}
