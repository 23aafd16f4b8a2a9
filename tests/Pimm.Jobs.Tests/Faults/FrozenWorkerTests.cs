using System.Diagnostics;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

public sealed class FrozenWorkerTests
{
    [Theory]
    [InlineData("effects.committed:stop:2", "SIGSTOP past the lease, between two effects")]
    [InlineData("effects.uncommitted:stop:2", "SIGSTOP past the lease, inside a transaction")]
    [InlineData("effects.file-written:stop", "SIGSTOP past the lease, before renaming a file")]
    public Task A_worker_frozen_past_its_lease_is_replaced_and_writes_nothing_when_it_wakes(string fault, string name) => FaultWorld.RunAsync(6, name, async world =>
    {
        var run = await world.AskAsync("frozen", count: 4);
        var frozen = world.StartWorker(fault);
        var at = await world.HappenedAsync(fault);
        world.StartWorker();
        var done = await world.FinishedAsync(run);

        var woken = Stopwatch.StartNew();
        frozen.Signal("CONT");
        await FaultWorld.UntilAsync(() => Task.FromResult(frozen.Error.Contains($"Run {run} (effects) attempt 1 ends unfinished", StringComparison.Ordinal)), "the woken worker gives up");

        woken.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        (done.State, done.Attempt, done.Fence).ShouldBe((JobStates.Succeeded, 2, 2));
        (await world.History.EffectsOfZombiesAsync()).ShouldBe(0);
        await world.RecoveredAsync(run, at, $"the frozen worker gave up {woken.Elapsed.TotalSeconds:F1} s after it woke");
    });
}
