using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>kill -9 at every line between two effects: whatever had been committed stays, whatever had not is done once by another.</summary>
public sealed class KilledWorkerTests
{
    [Theory]
    [InlineData("effects.uncommitted:kill:3", "kill -9 inside an effect's transaction")]
    [InlineData("effects.committed:kill:3", "kill -9 between an effect and the next")]
    [InlineData("effects.file-written:kill", "kill -9 between writing a file and renaming it")]
    [InlineData("effects.file-renamed:kill", "kill -9 between renaming a file and telling the database")]
    public Task A_run_whose_worker_is_killed_is_finished_by_another_with_every_effect_once(string fault, string name) => FaultWorld.RunAsync(5, name, async world =>
    {
        var run = await world.AskAsync("killed", count: 5);
        var killed = world.StartWorker(fault);
        var at = await world.HappenedAsync(fault);
        (await killed.ExitedAsync()).ShouldBe(137);
        world.StartWorker();

        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt, done.Fence).ShouldBe((JobStates.Succeeded, 2, 2));
        await world.RecoveredAsync(run, at);
    });

    [Fact]
    public Task A_run_that_was_done_when_its_worker_was_killed_is_not_done_again() => FaultWorld.RunAsync(5, "kill -9 right after the last commit", async world =>
    {
        const string Fault = "effects.completed:kill";
        var run = await world.AskAsync("completed", count: 3);
        world.StartWorker(Fault);
        await world.HappenedAsync(Fault);
        world.StartWorker();

        var done = await world.FinishedAsync(run);

        (done.State, done.Fence).ShouldBe((JobStates.Succeeded, 1));
        world.Recovered(null, "nothing had to be done again");
    });
}
