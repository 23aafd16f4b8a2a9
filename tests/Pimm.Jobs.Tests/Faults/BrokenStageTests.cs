using Dapper;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

[Collection(Market.Name)]
public sealed class BrokenStageTests(Market market)
{
    [Fact]
    public Task Damaged_weights_score_nobody_and_the_scores_before_stay() => FaultWorld.RunAsync(18, "a model's weights corrupted", async world =>
    {
        var before = await NewestScoringAsync(world);
        await world.History.OwnerAsync(owner => owner.ExecuteAsync(
            "update model_version set weights = set_byte(weights, length(weights) - 10, 255 - get_byte(weights, length(weights) - 10)) where model_line_id = @Id", new { market.Line.Id }));
        world.StartWorker(settings: Market.SmallPieces);

        var done = await world.FinishedAsync(await world.Queue.EnqueueAsync(market.Request("score")));

        done.State.ShouldBe(JobStates.Failed);
        done.ErrorSentence!.ShouldContain("hash");
        (await NewestScoringAsync(world)).ShouldBe(before);
        world.Recovered(null, $"refused: \"{done.ErrorSentence}\"");
    }, market.CopyAsync());

    [Fact]
    public Task A_full_disk_fails_an_export_by_name_and_space_is_all_that_it_needs() => FaultWorld.RunAsync(19, "the disk of the lists full", async world =>
    {
        var disk = new SmallDisk(world);
        var worker = disk.StartWorker(new Dictionary<string, string> { ["Disk__MinimumFreeMegabytes"] = "0", ["Disk__MinimumFreeShare"] = "0" });
        var run = await world.Queue.EnqueueAsync(market.Request("export"));
        var failed = await world.FinishedAsync(run);

        failed.State.ShouldBe(JobStates.Failed);
        failed.ErrorSentence!.ShouldContain("No space left on device");
        disk.Files().ShouldBe([SmallDisk.Ballast]);

        disk.MakeRoom();
        await world.Queue.RetryAsync(run);
        var done = await world.FinishedAsync(run);

        (done.State, worker.HasExited).ShouldBe((JobStates.Succeeded, false), done.Error);
        // Two lists, each with its manifest.
        disk.Files().Count.ShouldBe(4);
        world.Recovered(null, "failed by name, no part left; done by the same worker when there was room");
    }, market.CopyAsync());

    [Fact]
    public Task A_run_waits_for_room_on_its_disk_and_goes_on_by_itself() => FaultWorld.RunAsync(19, "the disk of the lists nearly full", async world =>
    {
        var disk = new SmallDisk(world);
        var worker = disk.StartWorker(new Dictionary<string, string> { ["Disk__MinimumFreeMegabytes"] = "1", ["Disk__MinimumFreeShare"] = "0" });
        var run = await world.Queue.EnqueueAsync(market.Request("export"));
        await world.FinishedAsync(await world.AskAsync("another", count: 2));
        await Task.Delay(TimeSpan.FromSeconds(2));
        (await world.Queue.GetAsync(run)).State.ShouldBe(JobStates.Queued);

        var room = DateTimeOffset.UtcNow;
        disk.MakeRoom();
        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt, worker.HasExited).ShouldBe((JobStates.Succeeded, 1, false), done.Error);
        world.Recovered((done.StartedAt!.Value - room).TotalSeconds, "not taken while there was no room, others were");
    }, market.CopyAsync());

    private static Task<long> NewestScoringAsync(FaultWorld world) =>
        world.History.OwnerAsync(owner => owner.ExecuteScalarAsync<long>("select max(id) from scoring where finished_at is not null"));
}
