using System.Diagnostics;
using Dapper;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>Trainings whose child dies of something else than a kill, or whose files are not what they were.</summary>
[Collection(Market.Name)]
public sealed class BrokenTrainingTests(Market market)
{
    [Fact]
    public Task A_segmentation_fault_ends_the_child_and_never_the_worker() => TrainedAsync(17, "SIGSEGV in the training", async (world, run) =>
    {
        const string Fault = "train.epoch-done:segv:2";
        var worker = world.StartWorker(Fault, Market.SmallPieces);
        var at = await world.HappenedAsync(Fault);

        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt, worker.HasExited).ShouldBe((JobStates.Succeeded, 2, false), done.Error);
        worker.Error.ShouldContain("ended by SIGSEGV");
        (await market.MadeAsync(world, "train", run)).ShouldBe(market.Reference["train"]);
        await world.RecoveredAsync(run, at, "same worker, same weights");
    });

    [Fact]
    public Task A_training_that_always_crashes_fails_with_its_signal_and_the_worker_goes_on() => TrainedAsync(38, "a training that always ends in SIGSEGV", async (world, run) =>
    {
        var worker = world.StartWorker(settings: Always("train.epoch-done:segv:-"));

        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt, worker.HasExited).ShouldBe((JobStates.Failed, 3, false));
        done.ErrorSentence!.ShouldContain("SIGSEGV");
        (await VersionsAsync(world)).ShouldBe(0);
        world.Recovered(null, $"three attempts; \"{done.ErrorSentence}\"");
    });

    [Fact]
    public Task Memory_that_runs_out_once_ends_the_child_and_half_the_batch_is_tried() => TrainedAsync(17, "out of memory in the training", async (world, run) =>
    {
        using var limit = new MemoryLimit(world.Folder);
        const string Fault = "train.epoch-done:hunger:2";
        var worker = world.StartWorker(Fault, limit.Of(Market.SmallPieces));
        await world.HappenedAsync(Fault);
        var clock = Stopwatch.StartNew();

        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt, worker.HasExited).ShouldBe((JobStates.Succeeded, 1, false), done.Error);
        (await world.Queue.ListLogAsync(run)).ShouldContain(line => line.Message.Contains("memory", StringComparison.Ordinal) && line.Message.Contains("half the batch", StringComparison.Ordinal));
        world.Recovered(null, $"same worker; with half the batch done {clock.Elapsed.TotalSeconds:F1} s later ({limit.Kind})");
    });

    [Fact]
    public Task Memory_that_always_runs_out_fails_the_run_with_what_to_do() => TrainedAsync(17, "out of memory, with half the batch too", async (world, run) =>
    {
        using var limit = new MemoryLimit(world.Folder);
        var worker = world.StartWorker(settings: limit.Of(Always("train.epoch-done:hunger:-")));

        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt, worker.HasExited).ShouldBe((JobStates.Failed, 1, false), done.Error);
        done.ErrorSentence!.ShouldStartWith("The training ran out of memory, with half the batch too: give the worker more memory");
        (await VersionsAsync(world)).ShouldBe(0);
        world.Recovered(null, $"failed at once, the worker lives ({limit.Kind})");
    });

    [Fact]
    public Task A_damaged_checkpoint_is_passed_over_for_the_one_before() => DoctoredAsync(18, "the newest checkpoint corrupted", Checkpoints.FlipBits, async (world, run, at) =>
    {
        var done = await world.FinishedAsync(run);

        done.State.ShouldBe(JobStates.Succeeded, done.Error);
        (await market.MadeAsync(world, "train", run)).ShouldBe(market.Reference["train"]);
        (await world.Queue.ListLogAsync(run)).ShouldContain(line => line.Message.Contains("damaged", StringComparison.Ordinal));
        await world.RecoveredAsync(run, at, "the checkpoint before it was used, same weights");
    });

    [Fact]
    public Task A_loss_that_stops_being_a_number_fails_the_run_and_registers_nothing() => DoctoredAsync(16, "NaN loss", Checkpoints.Explode, async (world, run, at) =>
    {
        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt).ShouldBe((JobStates.Failed, 2));
        done.ErrorSentence!.ShouldMatch(@"The loss stopped being a number in epoch \d at learning rate");
        (await VersionsAsync(world)).ShouldBe(0);
        world.Recovered(null, $"failed without another try: \"{done.ErrorSentence}\"");
    });

    [Fact]
    public Task A_line_whose_settings_let_the_loss_overflow_fails_at_its_first_attempt() => FaultWorld.RunAsync(16, "NaN loss from the line's own settings", async world =>
    {
        // Deep, without dropout, and at the largest learning rate there is.
        var (layers, dropout) = (string.Join(',', Enumerable.Repeat(64, 24)), string.Join(',', Enumerable.Repeat(0, 24)));
        var settings = $$"""{"epochs": "4", "batch": "100", "lr": "1", "towers": "{{layers}}", "dropout": "{{dropout}}"}""";
        var line = await new ModelStore(world.Observer, TimeProvider.System).CreateLineAsync(market.AudienceId, "overflowing", "pimm", settings);
        world.StartWorker(settings: Market.SmallPieces);
        var run = await world.Queue.EnqueueAsync(new JobRequest(TrainModelLine.JobKind, "overflowing", new TrainLineRequest(line, Seed: 2, market.Campaign.StartsAt)));

        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt).ShouldBe((JobStates.Failed, 1), done.Error);
        done.ErrorSentence!.ShouldMatch(@"^The loss stopped being a number in epoch \d at learning rate 1; choose a smaller one\.$");
        (await new ModelStore(world.Observer, TimeProvider.System).VersionsAsync(line)).ShouldBeEmpty();
        world.Recovered(null, $"failed without another try: \"{done.ErrorSentence}\"");
    }, market.CopyAsync());

    [Fact]
    public Task A_stopping_worker_hands_its_training_over_with_a_checkpoint() => TrainedAsync(14, "SIGTERM while training", async (world, run) =>
    {
        var worker = world.StartWorker(settings: Always("train.epoch-done:slow:-"));
        await FaultWorld.UntilAsync(() => Task.FromResult(Checkpoints.Of(world.Folder, run).Count > 0), "there is a checkpoint");
        world.StartWorker(settings: Market.SmallPieces);
        var (asked, clock) = (DateTimeOffset.UtcNow, Stopwatch.StartNew());
        worker.Signal("TERM");
        (await worker.ExitedAsync()).ShouldBe(0);
        var gone = clock.Elapsed;

        var done = await world.FinishedAsync(run);

        gone.ShouldBeLessThan(TimeSpan.FromSeconds(30));
        (done.State, done.Attempt, done.Fence).ShouldBe((JobStates.Succeeded, 1, 2), done.Error);
        (await world.Queue.ListLogAsync(run)).ShouldContain(line => line.Message.StartsWith("Training goes on from checkpoint-", StringComparison.Ordinal));
        (await market.MadeAsync(world, "train", run)).ShouldBe(market.Reference["train"]);
        await world.RecoveredAsync(run, asked, $"the worker was gone after {gone.TotalSeconds:F1} s, no attempt counted, same weights");
    });

    private Task TrainedAsync(int row, string name, Func<FaultWorld, long, Task> fault) => FaultWorld.RunAsync(row, name, async world =>
        await fault(world, await world.Queue.EnqueueAsync(market.Request("train"))), market.CopyAsync());

    /// <summary>Killed after its second epoch, then its newest checkpoint is altered, then another worker goes on.</summary>
    private Task DoctoredAsync(int row, string name, Action<string> alter, Func<FaultWorld, long, DateTimeOffset, Task> check) => TrainedAsync(row, name, async (world, run) =>
    {
        const string Fault = "train.epoch-done:crash:2";
        var killed = world.StartWorker(Fault, Market.SmallPieces);
        var at = await world.HappenedAsync(Fault);
        await killed.ExitedAsync();
        alter(Checkpoints.Of(world.Folder, run)[0]);
        world.StartWorker(settings: Market.SmallPieces);
        await check(world, run, at);
    });

    private static Dictionary<string, string> Always(string fault) => new(Market.SmallPieces) { ["PIMM_FAULT"] = fault };

    private Task<long> VersionsAsync(FaultWorld world) => world.History.OwnerAsync(owner => owner.ExecuteScalarAsync<long>(
        "select count(*) from model_version where model_line_id = @Id", new { market.Untrained.Id }));
}
