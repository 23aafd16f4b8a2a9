using System.Diagnostics;
using Dapper;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>Many who want the same at once.</summary>
public sealed class SharedQueueTests
{
    [Fact]
    public Task A_run_asked_for_many_times_at_once_is_one_run() => FaultWorld.RunAsync(9, "the same run enqueued 20 times at once", async world =>
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => world.AskAsync("same", count: 3)));
        world.StartWorker();
        world.StartWorker();

        var done = await world.FinishedAsync(ids[0]);

        ids.Distinct().ShouldHaveSingleItem();
        (done.State, done.Fence).ShouldBe((JobStates.Succeeded, 1));
        (await world.Queue.ListAsync()).ShouldHaveSingleItem();
        world.Recovered(null, "one run, each effect once");
    });

    [Fact]
    public Task Four_migrators_at_once_apply_each_migration_once_although_one_is_killed() => FaultWorld.RunAsync(36, "four migrators at once, one of them killed", async world =>
    {
        var clock = Stopwatch.StartNew();
        var migrators = Enumerable.Range(0, 4).Select(_ => PimmProcess.Start(world.Database, "migrate")).ToList();
        await using var killed = migrators[0];
        await FaultWorld.UntilAsync(() => world.History.OwnerAsync(owner => owner.ExecuteScalarAsync<bool>("select to_regclass('migration') is not null")), "a migrator has begun");
        killed.Signal("KILL");
        foreach (var migrator in migrators.Skip(1))
        {
            (await migrator.ExitedAsync()).ShouldBe(0, migrator.Error);
            await migrator.DisposeAsync();
        }

        var applied = await world.History.OwnerAsync(async owner => (await owner.QueryAsync<string>("select name from migration order by number")).AsList());

        applied.ShouldBe(Directory.GetFiles(Core.Database.Migrator.DefaultFolder, "*.sql").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        world.Recovered(null, $"{applied.Count} migrations, each once, in {clock.Elapsed.TotalSeconds:F1} s");
        await world.History.PrepareAsync();
    }, TestDatabase.EmptyAsync(), migrated: false);

    [Fact]
    public Task Five_hundred_runs_survive_seven_killed_workers() => FaultWorld.RunAsync(42, "500 short runs on 3 workers, 7 of them killed", async world =>
    {
        const int Runs = 500, Kills = 7;
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var (random, clock) = (new Random(seed), Stopwatch.StartNew());
        for (var run = 0; run < Runs; run++)
        {
            await world.AskAsync($"{run}", count: 2, before: 0.05);
        }

        var slots = new Dictionary<string, string> { ["Queueing__Slots"] = "2" };
        List<PimmProcess> alive = [.. Enumerable.Range(0, 3).Select(_ => world.StartWorker(settings: slots))];
        for (var kill = 1; kill <= Kills; kill++)
        {
            var enough = kill * Runs / (Kills + 1);
            await FaultWorld.UntilAsync(async () => await FinishedAsync(world) >= enough, $"{enough} runs are done");
            await Task.Delay(random.Next(200));
            var victim = random.Next(alive.Count);
            alive[victim].Signal("KILL");
            alive[victim] = world.StartWorker(settings: slots);
        }

        await FaultWorld.UntilAsync(async () => await FinishedAsync(world) == Runs, "all runs are done");

        var ended = await world.Queue.ListAsync(limit: 2 * Runs);
        ended.Count(run => run.State == JobStates.Succeeded).ShouldBe(Runs, $"seed {seed}");
        world.Recovered(null, $"0 lost, 0 doubled, {ended.Count(run => run.Attempt > 1)} taken over, {clock.Elapsed.TotalSeconds:F0} s, seed {seed}");
    });

    private static Task<long> FinishedAsync(FaultWorld world) =>
        world.History.OwnerAsync(owner => owner.ExecuteScalarAsync<long>("select count(*) from job_run where finished_at is not null"));
}
