using System.Diagnostics;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>SIGSTOP inside the transactions of the product's own stages: the locks of a worker that is frozen keep nobody waiting.</summary>
[Collection(Market.Name)]
public sealed class FrozenStageTests(Market market)
{
    [Theory]
    [InlineData("score", "score.shard-copied:stop:3", "SIGSTOP while scoring: inside a shard")]
    [InlineData("score", "score.finishing:stop", "SIGSTOP while scoring: at the finish")]
    [InlineData("import", "import.chunk-copied:stop:3", "SIGSTOP while importing: inside a chunk")]
    [InlineData("outcomes", "import.finishing:stop", "SIGSTOP while importing outcomes: at the finish")]
    public Task A_worker_frozen_inside_a_transaction_is_replaced_at_the_second_attempt(string kind, string fault, string name) => FaultWorld.RunAsync(6, name, async world =>
    {
        var run = await world.Queue.EnqueueAsync(market.Request(kind));
        var frozen = world.StartWorker(fault, Market.SmallPieces);
        var at = await world.HappenedAsync(fault);
        world.StartWorker(settings: Market.SmallPieces);
        var done = await world.FinishedAsync(run);

        var woken = Stopwatch.StartNew();
        frozen.Signal("CONT");
        await FaultWorld.UntilAsync(() => Task.FromResult(frozen.Error.Contains($"Run {run} ({kind}) attempt 1 ends unfinished", StringComparison.Ordinal)), "the woken worker gives up");

        (done.State, done.Attempt).ShouldBe((JobStates.Succeeded, 2), done.Error);
        (await market.MadeAsync(world, kind, run)).ShouldBe(market.Reference[kind]);
        await world.RecoveredAsync(run, at, $"attempt 2, the result equals the undisturbed one's; the frozen worker gave up {woken.Elapsed.TotalSeconds:F1} s after it woke");
    }, market.CopyAsync());
}
