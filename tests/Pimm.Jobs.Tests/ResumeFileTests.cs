using System.Diagnostics;
using Pimm.Jobs.CommandLine;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>Signals to `train`, and `train --resume` after one, in processes of their own.</summary>
public sealed class ResumeFileTests : IDisposable
{
    private const string Epochs = "60";
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-resume-test-").FullName;

    public ResumeFileTests() => File.WriteAllText(At("funnel.csv"), FunnelFile.Text(1500));

    [Fact]
    public async Task After_Ctrl_C_it_goes_on_to_the_weights_of_a_training_that_was_never_stopped()
    {
        await using var stopped = PimmProcess.Start(null, Arguments("cut"));
        for (var waited = Stopwatch.StartNew(); !stopped.Error.Contains("epoch   2", StringComparison.Ordinal); await Task.Delay(20))
            waited.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(120));

        stopped.Signal("INT");

        (await stopped.ExitedAsync()).ShouldBe(ExitCode.Interrupted, stopped.Error);
        stopped.Error.ShouldEndWith($"The last checkpoint is in {At("cut")}/checkpoints: the same command with --resume goes on from it.\nInterrupted.\n");
        Directory.GetFileSystemEntries(At("cut")).ShouldBe([At("cut/checkpoints")]);
        var refused = await PimmProcess.RunAsync(null, [.. Arguments("cut", embedding: 5), "--resume"]);
        var resumed = await PimmProcess.RunAsync(null, [.. Arguments("cut"), "--resume"]);
        var whole = await PimmProcess.RunAsync(null, Arguments("whole"));

        refused.ExitCode.ShouldBe(ExitCode.WrongInput);
        refused.Error.ShouldContain("is of another training (embedding 4 instead of 5); give what it was begun with, or train without --resume to begin anew.");
        resumed.Error.ShouldContain("Training goes on from checkpoint-000001-");
        (resumed.ExitCode, whole.ExitCode).ShouldBe((ExitCode.Done, ExitCode.Done), resumed.Error);
        File.ReadAllBytes(At("cut/weights.safetensors")).SequenceEqual(File.ReadAllBytes(At("whole/weights.safetensors"))).ShouldBeTrue();
        Directory.Exists(At("cut/checkpoints")).ShouldBeFalse();
    }

    /// <summary>The runtime handles SIGCONT as it does Ctrl-C's signal, and goes on: many a moment of a training can be met in one.</summary>
    [Fact]
    public async Task Signals_change_nothing_of_what_is_computed_wherever_they_meet_it()
    {
        await using var met = PimmProcess.Start(null, Arguments("met"));
        while (!met.HasExited)
            met.Signal("CONT");

        (await met.ExitedAsync()).ShouldBe(ExitCode.Done, met.Error);
        var whole = await PimmProcess.RunAsync(null, Arguments("whole"));
        whole.ExitCode.ShouldBe(ExitCode.Done, whole.Error);
        File.ReadAllBytes(At("met/weights.safetensors")).SequenceEqual(File.ReadAllBytes(At("whole/weights.safetensors"))).ShouldBeTrue();
    }

    [Fact]
    public async Task Where_there_is_no_checkpoint_it_says_so_and_trains_from_the_beginning()
    {
        var (exitCode, _, error) = await PimmProcess.RunAsync(null, [.. Arguments("new", "2"), "--resume"]);

        exitCode.ShouldBe(ExitCode.Done, error);
        error.ShouldContain($"{At("new")}/checkpoints has no checkpoint that can be used, so training starts from the beginning.\n");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string[] Arguments(string name, string epochs = Epochs, int embedding = 4) =>
    [
        "train", "--data", At("funnel.csv"), "--tasks", "click,buy", "--out", At(name), "--threads", "1", "--batch", "100", "--epochs", epochs,
        "--set", $"embedding={embedding}", "--set", "patience=1000",
    ];

    private string At(string name) => Path.Combine(folder, name);
}
