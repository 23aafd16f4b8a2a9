using Pimm.Core.Queueing;
using Shouldly;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>
/// What must be true after any fault: every run that was accepted ended once, no effect was lost or doubled, fences only rose,
/// no unfinished file lies about, and the next run succeeds without anybody's repair.
/// </summary>
internal sealed class Oracle(FaultWorld world)
{
    private static readonly string[] Final = [JobStates.Succeeded, JobStates.Failed, JobStates.Cancelled];

    public async Task CheckAsync()
    {
        await NextRunSucceedsAsync();
        var runs = (await world.Queue.ListAsync(limit: 10_000)).Where(run => run.Id >= world.FirstRun).ToList();
        var changes = (await world.History.ChangesAsync()).ToLookup(change => change.RunId);
        runs.Where(run => !run.IsFinished).Select(run => $"run {run.Id} ({run.Kind}) is {run.State}").ShouldBeEmpty("Every accepted run ends.");
        foreach (var run in runs)
        {
            EndedOnce(run, [.. changes[run.Id]]);
            if (run.Kind == "effects")
            {
                await HadItsEffectsOnceAsync(run);
            }
        }

        Directory.EnumerateFiles(world.Folder, "*.tmp", SearchOption.AllDirectories).Select(Path.GetFileName).ShouldBeEmpty("A run that has ended leaves no unfinished file.");
    }

    private static void EndedOnce(JobRun run, IReadOnlyList<RunChange> changes)
    {
        var fences = changes.Select(change => change.Fence).ToList();
        fences.ShouldBe(fences.Order(), ignoreOrder: false, $"The fence of run {run.Id} never goes down.");
        // Heartbeats and claims of a run that has ended would show here, and so would a second end.
        var life = changes.Skip(LastRetry(changes)).ToList();
        var end = life.TakeWhile(change => !Final.Contains(change.State)).Count();
        life.Skip(end).Select(change => change.State).ShouldBe([run.State], $"Run {run.Id} ends in one state, and nothing is written for it after.");
        changes.GroupBy(change => change.Fence).ShouldAllBe(
            claim => claim.Where(change => change.State == JobStates.Running).Select(change => change.Owner).Distinct().Count() <= 1);
    }

    /// <summary>Somebody who tries a run again gives it all its attempts back; nothing else wakes one that has ended.</summary>
    private static int LastRetry(IReadOnlyList<RunChange> changes) => Enumerable.Range(1, changes.Count - 1).LastOrDefault(place =>
        changes[place - 1].State is JobStates.Failed or JobStates.Cancelled && changes[place] is { State: JobStates.Queued, Attempt: 0 });

    private async Task HadItsEffectsOnceAsync(JobRun run)
    {
        var count = world.EffectsAsked(run.Id);
        var effects = await world.History.EffectsAsync(run.Id);
        effects.ShouldBe(effects.Distinct(), ignoreOrder: false, $"No effect of run {run.Id} is doubled.");
        if (run.State == JobStates.Succeeded)
        {
            effects.Sum().ShouldBe(count * (count + 1) / 2, $"No effect of run {run.Id} is lost.");
            effects.Count.ShouldBe(count + 1);
            File.ReadAllText(Path.Combine(world.Folder, $"effects-{run.Id}.txt")).ShouldBe($"run {run.Id}\n");
        }
        else
        {
            effects.ShouldNotContain(0, $"Run {run.Id} was {run.State} and yet had its last effect.");
        }
    }

    private async Task NextRunSucceedsAsync()
    {
        if (world.Workers.All(worker => worker.HasExited))
        {
            world.StartWorker();
        }

        var next = await world.AskAsync("the next", count: 2);
        (await world.FinishedAsync(next)).State.ShouldBe(JobStates.Succeeded, "The next run succeeds without repair.");
    }
}
