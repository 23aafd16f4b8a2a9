using Dapper;
using Pimm.Core.Queueing;
using Shouldly;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>
/// What must be true after any fault: every run that was accepted ended once, no effect was lost or doubled, fences only rose,
/// nothing unfinished lies about, no training computes for nobody, and the next run succeeds without anybody's repair.
/// </summary>
internal sealed class Oracle(FaultWorld world)
{
    private static readonly TimeSpan ChildrenPatience = TimeSpan.FromSeconds(10);

    private static readonly string[] Final = [JobStates.Succeeded, JobStates.Failed, JobStates.Cancelled];

    // Of runs that succeeded nothing is left half done, and no run that ended belongs to a worker.
    private const string SelectLeft = """
        select format('run %s (%s) is %s and has an owner or a lease', id, kind, state) from job_run
         where state <> 'running' and (owner is not null or lease_until is not null)
        union all
        select format('run %s succeeded and its scoring %s is unfinished', j.id, s.id) from scoring s join job_run j on j.id = s.run_id where s.finished_at is null and j.state = 'succeeded'
        union all
        select format('scoring %s is finished and its shard %s is not', s.id, h.shard) from score_shard h join scoring s on s.id = h.scoring_id where s.finished_at is not null and h.finished_at is null
        union all
        select format('scoring %s is finished and keeps %s exclusions', s.id, count(*)) from scoring_exclusion e join scoring s on s.id = e.scoring_id where s.finished_at is not null group by s.id
        union all
        select format('run %s succeeded and its file %s is still read', j.id, f.file_name) from import_file f join job_run j on j.id = f.run_id where f.state = 'reading' and j.state = 'succeeded'
        union all
        select format('%s events of the finished file %s still wait', count(*), f.id) from outcome_staging o join import_file f on f.id = o.import_file_id where f.state = 'finished' group by f.id
        """;

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

        (await world.History.OwnerAsync(async owner => (await owner.QueryAsync<string>(SelectLeft)).AsList())).ShouldBeEmpty("Nothing is left half done.");
        await FaultWorld.UntilAsync(() => Task.FromResult(!TrainsForNobody()), "no training goes on without its worker", ChildrenPatience);
        Directory.EnumerateFiles(world.Folder, "*.tmp", SearchOption.AllDirectories).Select(Path.GetFileName).ShouldBeEmpty("A run that has ended leaves no unfinished file.");
    }

    /// <summary>A child's request lies in the world's folder, and every run has ended.</summary>
    private bool TrainsForNobody() => Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])).Any(process =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline")) is var line && line.Contains("train-rows", StringComparison.Ordinal) && line.Contains(world.Folder, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return false;
        }
    });

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
