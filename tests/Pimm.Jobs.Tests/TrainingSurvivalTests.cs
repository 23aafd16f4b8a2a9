using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Pimm.Core.Queueing;
using Pimm.Core.Safetensors;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>Trainings of real workers that are killed, stopped, cancelled, and whose children die.</summary>
public sealed class TrainingSurvivalTests(TrainingAudience world) : IClassFixture<TrainingAudience>
{
    private const int Epochs = 20;

    [Fact]
    public async Task A_killed_worker_s_training_goes_on_elsewhere_and_comes_to_the_very_weights()
    {
        var whole = await world.WholeAsync(Epochs);
        var run = await world.TrainAsync(Epochs);
        await using var first = world.Worker();
        (await world.CheckpointAsync(run)).ShouldStartWith($"file://{Environment.MachineName.ToLowerInvariant()}{world.FolderOf(run)}/checkpoints/checkpoint-000001-");

        first.Signal("KILL");
        await using var second = world.Worker();
        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt).ShouldBe((JobStates.Succeeded, 2), done.Error);
        (await world.WeightsAsync(run)).ShouldBe(whole);
        var log = await world.LogAsync(run);
        log.ShouldContain("impressions that an attempt before read are used again.");
        log.ShouldContain("Training goes on from checkpoint-000001-");
        await WaitForAsync(() => !Directory.Exists(world.FolderOf(run)));
    }

    [Fact]
    public async Task A_worker_asked_to_stop_hands_its_training_over_with_a_checkpoint()
    {
        var whole = await world.WholeAsync(Epochs);
        var run = await world.TrainAsync(Epochs);
        await using var first = world.Worker();
        await world.CheckpointAsync(run);

        var asked = Stopwatch.StartNew();
        first.Signal("TERM");
        (await first.ExitedAsync()).ShouldBe(0);
        TestContext.Current.TestOutputHelper?.WriteLine($"gone {asked.Elapsed.TotalSeconds:F1} s after SIGTERM");
        var waiting = await world.Queue.GetAsync(run, TestContext.Current.CancellationToken);
        (waiting.State, waiting.Attempt).ShouldBe((JobStates.Queued, 0));
        await using var second = world.Worker();
        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt).ShouldBe((JobStates.Succeeded, 1), done.Error);
        (await world.WeightsAsync(run)).ShouldBe(whole);
        (await world.LogAsync(run)).ShouldContain("Training goes on from checkpoint-000001-");
    }

    [Fact]
    public async Task Where_the_rows_or_the_newest_checkpoint_are_damaged_it_says_so_and_still_comes_to_the_weights()
    {
        var whole = await world.WholeAsync(Epochs);
        var run = await world.TrainAsync(Epochs);
        await using (var first = world.Worker())
        {
            await world.CheckpointAsync(run);
            first.Signal("TERM");
            await first.ExitedAsync();
        }

        var newest = Directory.GetFiles(Path.Combine(world.FolderOf(run), "checkpoints"), "*.safetensors").Max()!;
        File.AppendAllText(newest, "x");
        File.AppendAllText(Directory.GetFiles(world.FolderOf(run), "rows-*.csv").Single(), "x");
        await using var second = world.Worker();
        var done = await world.FinishedAsync(run);

        done.State.ShouldBe(JobStates.Succeeded, done.Error);
        var log = await world.LogAsync(run);
        log.ShouldContain("The rows that an attempt before wrote are damaged");
        log.ShouldContain($"The checkpoint {newest} is damaged: it does not have the hash beside it.");
        (await world.WeightsAsync(run)).ShouldBe(whole);
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
    public async Task A_crash_of_the_training_ends_its_process_alone_is_named_and_tried_again()
    {
        var whole = await world.WholeAsync(Epochs);
        var run = await world.TrainAsync(Epochs);
        await using var worker = world.Worker();
        await world.CheckpointAsync(run);

        Signal(ChildOf(worker), "XCPU");
        var failed = await world.UntilAsync(run, now => now.Error is not null);
        var done = await world.FinishedAsync(run);

        failed.Error.ShouldStartWith("The training's process was ended by SIGXCPU.");
        (done.State, done.Attempt).ShouldBe((JobStates.Succeeded, 2), done.Error);
        (await world.WeightsAsync(run)).ShouldBe(whole);
        worker.HasExited.ShouldBeFalse();
    }

    [Fact]
    public async Task A_training_that_is_killed_is_tried_once_with_half_the_batch_and_then_fails_as_out_of_memory()
    {
        var run = await world.TrainAsync(2_000);
        await using var worker = world.Worker();
        await world.CheckpointAsync(run);
        var child = ChildOf(worker);

        Signal(child, "KILL");
        await WaitForAsync(() => ChildOf(worker) is var next && next > 0 && next != child);
        await world.UntilAsync(run, now => now.ProgressMsg?.StartsWith("epoch", StringComparison.Ordinal) == true);
        Signal(ChildOf(worker), "KILL");
        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt).ShouldBe((JobStates.Failed, 1));
        done.ErrorSentence!.ShouldStartWith("The training ran out of memory, with half the batch too: give the worker more memory, or the model line a smaller batch or embedding.");
        (await world.LogAsync(run)).ShouldContain("It is tried once more, from the beginning and with half the batch.");
        (await world.WeightsAsync(run)).ShouldBeNull();
        worker.HasExited.ShouldBeFalse();
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
        await WaitForAsync(() => Directory.Exists(half) && Directory.GetFiles(half, "*-000003.safetensors").Length > 0);

        first.Signal("KILL");
        await using var second = world.Worker();
        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt).ShouldBe((JobStates.Succeeded, 2), done.Error);
        (await world.LogAsync(run)).ShouldContain("Training goes on from checkpoint-000001-");
        (await world.WeightsAsync(run)).ShouldBe(await world.WeightsAsync(reference));
        done.Result!.ShouldContain("It was trained with half the batch. The training's process was killed (SIGKILL)");
    }

    [Fact]
    public async Task A_loss_that_is_no_number_fails_at_once_with_epoch_and_learning_rate_and_registers_nothing()
    {
        var run = await world.TrainAsync(Epochs);
        await using (var first = world.Worker())
        {
            await world.CheckpointAsync(run);
            first.Signal("TERM");
            await first.ExitedAsync();
        }

        EnlargeWeights(Directory.GetFiles(Path.Combine(world.FolderOf(run), "checkpoints"), "*.safetensors").Max()!);
        await using var second = world.Worker();
        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt).ShouldBe((JobStates.Failed, 1), done.Error);
        done.Error!.ShouldMatch(@"^The loss stopped being a number in epoch \d+ at learning rate 0\.001; choose a smaller one\.$");
        (await world.WeightsAsync(run)).ShouldBeNull();
    }

    /// <summary>Makes a checkpoint's weights so large that the next loss overflows, and its hash fit.</summary>
    private static void EnlargeWeights(string path)
    {
        var bytes = File.ReadAllBytes(path);
        using (var file = SafetensorsReader.Parse(bytes, path))
        {
            var data = bytes.Length - (int)file.Entries.Sum(entry => entry.Length);
            foreach (var entry in file.Entries.Where(entry => entry.Name.StartsWith("weights/", StringComparison.Ordinal)))
                MemoryMarshal.Cast<byte, float>(bytes.AsSpan(data + (int)entry.Offset, (int)entry.Length)).Fill(1e30f);
        }

        File.WriteAllBytes(path, bytes);
        File.WriteAllText(path + ".sha256", Convert.ToHexStringLower(SHA256.HashData(bytes)) + "  checkpoint");
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
