using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>kill -9 inside the product's own stages: what comes out is what comes out undisturbed, bit for bit.</summary>
[Collection(Market.Name)]
public sealed class KilledStageTests(Market market)
{
    [Theory]
    [InlineData("train.rows-spooled:kill", "kill -9 while training: the rows read")]
    [InlineData("train.epoch-done:crash:2", "kill -9 while training: worker and child, between two epochs")]
    [InlineData("train.epoch-done:orphan", "kill -9 while training: the worker alone")]
    [InlineData("train.trained:kill", "kill -9 while training: trained, not registered")]
    public Task A_killed_training_comes_to_the_weights_of_an_undisturbed_one(string fault, string name) => KilledAsync(1, "train", fault, name);

    [Theory]
    [InlineData("train.checkpoint-written:crash:3", "kill -9 during a checkpoint write")]
    [InlineData("train.checkpoint-renamed:crash:3", "kill -9 after a checkpoint's rename, before the database knows")]
    public Task A_training_killed_at_its_checkpoint_goes_on_from_a_whole_one(string fault, string name) => KilledAsync(2, "train", fault, name);

    [Theory]
    [InlineData("score.planned:kill", "kill -9 while scoring: planned")]
    [InlineData("score.shard-copied:kill:3", "kill -9 while scoring: inside a shard")]
    [InlineData("score.shard-done:kill:3", "kill -9 while scoring: between two shards")]
    [InlineData("score.finishing:kill", "kill -9 while scoring: at the finish")]
    public Task A_killed_scoring_scores_each_customer_once_and_as_undisturbed(string fault, string name) => KilledAsync(3, "score", fault, name);

    [Theory]
    [InlineData("export.part-written:kill", "kill -9 while exporting: the first list half written")]
    [InlineData("export.part-written:kill:2", "kill -9 while exporting: the second list half written")]
    [InlineData("export.renamed:kill", "kill -9 while exporting: renamed, before the database knows")]
    public Task A_killed_export_writes_the_same_bytes(string fault, string name) => KilledAsync(4, "export", fault, name);

    [Theory]
    [InlineData("import.chunk-copied:kill:3", "kill -9 while importing: inside a chunk")]
    [InlineData("import.chunk-done:kill:3", "kill -9 while importing: between two chunks")]
    [InlineData("import.finishing:kill", "kill -9 while importing: at the finish")]
    public Task A_killed_import_takes_each_row_once(string fault, string name) => KilledAsync(23, "import", fault, name);

    [Theory]
    [InlineData("promote.judged:kill", "kill -9 while promoting: judged, nothing written")]
    [InlineData("promote.written:kill", "kill -9 while promoting: written, not committed")]
    public Task A_killed_promotion_judges_once_and_leaves_one_champion(string fault, string name) => KilledAsync(3, "promote", fault, name);

    [Theory]
    [InlineData("import.chunk-copied:kill:3", "kill -9 while importing outcomes: inside a chunk")]
    [InlineData("import.chunk-done:kill:3", "kill -9 while importing outcomes: between two chunks")]
    [InlineData("import.finishing:kill", "kill -9 while importing outcomes: at the finish")]
    public Task A_killed_import_of_outcomes_counts_each_event_once(string fault, string name) => KilledAsync(23, "outcomes", fault, name);

    private Task KilledAsync(int row, string kind, string fault, string name) => FaultWorld.RunAsync(row, name, async world =>
    {
        var run = await world.Queue.EnqueueAsync(market.Request(kind));
        var killed = world.StartWorker(fault, Market.SmallPieces);
        var at = await world.HappenedAsync(fault);
        (await killed.ExitedAsync()).ShouldBe(137);
        world.StartWorker(settings: Market.SmallPieces);

        var done = await world.FinishedAsync(run);

        done.State.ShouldBe(JobStates.Succeeded, done.Error);
        (await market.MadeAsync(world, kind, run)).ShouldBe(market.Reference[kind]);
        if (fault.StartsWith("train.checkpoint", StringComparison.Ordinal))
        {
            (await world.Queue.ListLogAsync(run)).ShouldContain(line => line.Message.StartsWith("Training goes on from checkpoint-", StringComparison.Ordinal));
        }

        await world.RecoveredAsync(run, at, $"attempt {done.Attempt}, the result equals the undisturbed one's");
        done.Attempt.ShouldBe(2);
    }, market.CopyAsync());
}
