using Microsoft.Extensions.Options;
using Pimm.Core.Queueing;
using Pimm.Core.Tests.Importing;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

/// <summary>Children that are shell scripts, which die for real.</summary>
public sealed class TrainingProcessTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData("kill -SEGV $$", "The training's process was ended by SIGSEGV. Its last words: about to die")]
    [InlineData("kill -ABRT $$", "The training's process was ended by SIGABRT. Its last words: about to die")]
    [InlineData("exit 3", "The training's process ended with exit code 3. Its last words: about to die")]
    public async Task A_death_is_named_with_its_last_words(string death, string sentence) =>
        (await Should.ThrowAsync<InvalidOperationException>(() => RunAsync($"echo about to die >&2; {death}"))).Message.ShouldBe(sentence);

    [Theory]
    [InlineData("kill -KILL $$", "was killed (SIGKILL), most likely because memory ran out. It said nothing.")]
    [InlineData("echo '[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.' >&2; exit 1", "ran out of memory (exit code 1).")]
    [InlineData("echo \"terminate called after throwing an instance of 'std::bad_alloc'\" >&2; kill -ABRT $$", "ran out of memory (exit code 134).")]
    [InlineData("echo \"Exception of type 'System.OutOfMemoryException' was thrown.\" >&2; exit 1", "ran out of memory (exit code 1).")]
    public async Task Running_out_of_memory_is_told_from_other_deaths(string death, string sentence) =>
        (await Should.ThrowAsync<TrainingOutOfMemoryException>(() => RunAsync(death))).Message.ShouldContain(sentence);

    [Fact]
    public async Task What_the_child_refuses_is_refused() =>
        (await Should.ThrowAsync<InputException>(() => RunAsync("echo 'The learning rate 5 is out of bounds.' >&2; exit 2"))).Message.ShouldBe("The learning rate 5 is out of bounds.");

    [Fact]
    public async Task What_it_tells_is_passed_on_and_other_lines_are_not()
    {
        var told = new List<TrainingNews>();
        var checkpoint = new TrainingNews(Checkpoint: new CheckpointFile("/a/b", "ff"));

        await Should.ThrowAsync<InvalidOperationException>(() => RunAsync($"echo noise; echo '{checkpoint.ToJson()}'; echo '{new TrainingNews(Warning: "w").ToJson()}'; exit 1", told: told));

        told.ShouldBe([checkpoint, new TrainingNews(Warning: "w")]);
    }

    [Fact]
    public async Task Asked_to_hand_over_it_gets_a_line_and_time_and_asked_to_cancel_the_end_of_its_input()
    {
        var told = new List<TrainingNews>();
        const string obedient = """read line; echo "{\"warning\": \"told: $line\"}"; exit 130""";

        await Should.ThrowAsync<OperationCanceledException>(() => RunAsync(obedient, stops: true, handsOver: true, told: told));
        await Should.ThrowAsync<OperationCanceledException>(() => RunAsync(obedient, stops: true, told: told));

        told.Select(news => news.Warning).ShouldBe([null, $"told: {TrainingProcess.EndWithCheckpoint}", null, "told: "]);
    }

    [Fact]
    public async Task One_that_does_not_listen_is_killed_when_patience_is_over() =>
        await Should.ThrowAsync<OperationCanceledException>(() => RunAsync("trap '' INT TERM; exec sleep 60", stops: true).WaitAsync(TimeSpan.FromSeconds(20)));

    public void Dispose() => folder.Dispose();

    /// <param name="stops">once the child has said that it is there</param>
    private async Task RunAsync(string script, bool stops = false, bool handsOver = false, List<TrainingNews>? told = null)
    {
        var ready = stops ? $"echo '{new TrainingNews(Note: "ready").ToJson()}'\n" : "";
        var executable = folder.Write("child.sh", $"#!/bin/sh\n{ready}{script}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(executable, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        var options = new TrainingProcessOptions { Executable = executable, CancelPatience = TimeSpan.FromSeconds(1) };
        var process = new TrainingProcess(Options.Create(options), Options.Create(new QueueingOptions { StopPatience = TimeSpan.FromSeconds(5) }), new TrainModel(TimeProvider.System));
        using var stop = new CancellationTokenSource();
        var training = new RowsTraining("rows.csv", ["a"], ["y"], "t", "pimm", new Dictionary<string, string>(), 1, null, "cpu", folder.At("model"));
        try
        {
            await process.RunAsync(training, folder.At("request.json"), Told, () => handsOver, stop.Token);
        }
        finally
        {
            File.Delete(executable);
        }

        void Told(TrainingNews news)
        {
            told?.Add(news);
            if (news.Note is not null)
            {
                stop.Cancel();
            }
        }
    }
}
