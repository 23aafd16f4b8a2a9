using System.Diagnostics;
using System.Globalization;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>Trainings of real workers whose rows or folders are no longer what they were, or that are cancelled; more of what may befall them is in Faults.</summary>
public sealed class TrainingSurvivalTests(TrainingAudience world) : IClassFixture<TrainingAudience>
{
    private const int Epochs = 20;

    [Fact]
    public async Task Where_the_rows_are_damaged_it_says_so_and_still_comes_to_the_weights()
    {
        var whole = await world.WholeAsync(Epochs);
        var run = await world.TrainAsync(Epochs);
        await using (var first = world.Worker())
        {
            (await world.CheckpointAsync(run)).ShouldStartWith($"file://{Environment.MachineName.ToLowerInvariant()}{world.FolderOf(run)}/checkpoints/checkpoint-000001-");
            first.Signal("TERM");
            await first.ExitedAsync();
        }

        File.AppendAllText(Directory.GetFiles(world.FolderOf(run), "rows-*.csv").Single(), "x");
        await using var second = world.Worker();
        var done = await world.FinishedAsync(run);

        done.State.ShouldBe(JobStates.Succeeded, done.Error);
        var log = await world.LogAsync(run);
        log.ShouldContain("The rows that an attempt before wrote are damaged");
        (await world.WeightsAsync(run)).ShouldBe(whole);
        await WaitForAsync(() => !Directory.Exists(world.FolderOf(run)));
    }

    [Fact]
    public async Task Where_its_folder_is_not_it_starts_over_and_says_so()
    {
        var whole = await world.WholeAsync(Epochs);
        var run = await world.TrainAsync(Epochs);
        await using (var first = world.Worker())
        {
            await world.CheckpointAsync(run);
            first.Signal("TERM");
            await first.ExitedAsync();
        }

        Directory.Delete(world.FolderOf(run), recursive: true);
        await using var second = world.Worker();
        var done = await world.FinishedAsync(run);

        done.State.ShouldBe(JobStates.Succeeded, done.Error);
        (await world.LogAsync(run)).ShouldContain($"What an attempt before wrote is not on this machine ({world.FolderOf(run)}); its last checkpoint was file://");
        (await world.WeightsAsync(run)).ShouldBe(whole);
    }

    [Fact]
    public async Task A_cancelled_training_stops_and_leaves_its_checkpoints_for_a_while()
    {
        var run = await world.TrainAsync(2_000);
        await using var worker = world.Worker();
        await world.CheckpointAsync(run);
        var child = ChildOf(worker);

        var asked = Stopwatch.StartNew();
        await world.Queue.RequestCancelAsync(run, TestContext.Current.CancellationToken);
        var done = await world.FinishedAsync(run);
        TestContext.Current.TestOutputHelper?.WriteLine($"cancelled after {asked.Elapsed.TotalSeconds:F1} s");

        done.State.ShouldBe(JobStates.Cancelled);
        Directory.Exists($"/proc/{child}").ShouldBeFalse();
        (await world.WeightsAsync(run)).ShouldBeNull();
        Directory.GetFiles(Path.Combine(world.FolderOf(run), "checkpoints"), "*.safetensors").ShouldNotBeEmpty();
        worker.HasExited.ShouldBeFalse();
    }

    [Fact]
    public async Task A_training_runs_when_nobody_else_wants_to()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux schedules so.");
        var run = await world.TrainAsync(2_000);
        await using var worker = world.Worker();
        await world.CheckpointAsync(run);
        var child = ChildOf(worker);

        var policies = Directory.GetDirectories($"/proc/{child}/task").Select(thread => File.ReadAllText($"{thread}/stat").Split(") ")[^1].Split(' ')[38]).ToList();
        await world.Queue.RequestCancelAsync(run, TestContext.Current.CancellationToken);
        await world.FinishedAsync(run);

        policies.Distinct().ShouldBe(["5"]);
    }

    [Fact]
    public async Task With_half_the_batch_it_goes_on_where_its_worker_was_killed_and_says_that_it_is_half()
    {
        var reference = await world.TrainAsync(Epochs, batch: 50);
        await using var first = world.Worker();
        (await world.FinishedAsync(reference)).State.ShouldBe(JobStates.Succeeded);
        var run = await world.TrainAsync(Epochs);
        await world.CheckpointAsync(run);
        Signal(ChildOf(first), "KILL");
        var half = Path.Combine(world.FolderOf(run), "checkpoints-half");
        // The last two are kept: the third itself may be gone before anybody looks.
        await WaitForAsync(() => Directory.Exists(half) && Directory.GetFiles(half, "*.safetensors").Any(file => string.CompareOrdinal(file[^"000003.safetensors".Length..], "000003") >= 0));

        first.Signal("KILL");
        await using var second = world.Worker();
        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt).ShouldBe((JobStates.Succeeded, 2), done.Error);
        (await world.LogAsync(run)).ShouldContain("Training goes on from checkpoint-000001-");
        (await world.WeightsAsync(run)).ShouldBe(await world.WeightsAsync(reference));
        done.Result!.ShouldContain("It was trained with half the batch. The training's process was killed (SIGKILL)");
    }

    private static int ChildOf(PimmProcess worker) => Directory.GetDirectories($"/proc/{worker.Id}/task")
        .SelectMany(thread => File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Select(child => int.Parse(child, CultureInfo.InvariantCulture))
        .SingleOrDefault();

    private static void Signal(int process, string signal)
    {
        process.ShouldBeGreaterThan(0);
        using var kill = Process.Start("kill", ["-s", signal, process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        for (var waited = Stopwatch.StartNew(); !condition(); await Task.Delay(50))
            waited.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(120));
    }
}
