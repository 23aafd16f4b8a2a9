using System.Diagnostics;
using Dapper;
using Npgsql;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>Connections that break or are not to be had, the server itself running on.</summary>
public sealed class DatabaseFaultTests
{
    [Fact]
    public Task Backends_that_are_ended_all_the_time_lose_and_double_nothing() => FaultWorld.RunAsync(8, "pg_terminate_backend every 0.4 s", async world =>
    {
        var runs = await Task.WhenAll(Enumerable.Range(0, 3).Select(no => world.AskAsync($"{no}", count: 12, between: 0.1, maxAttempts: 100)));
        world.StartWorker(settings: QuickRetry);
        await world.UntilAsync(runs[0], run => run.Progress > 0);
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(6));
        var ended = await EndBackendsAsync(world, enough.Token);
        var over = DateTimeOffset.UtcNow;

        foreach (var run in runs)
        {
            (await world.FinishedAsync(run)).State.ShouldBe(JobStates.Succeeded);
        }

        ended.ShouldBeGreaterThan(10);
        world.Recovered(null, $"{ended} backends ended in 6 s; all done {(DateTimeOffset.UtcNow - over).TotalSeconds:F1} s after the last");
    });

    [Fact]
    public Task Connections_cut_in_commit_lose_and_double_nothing() => FaultWorld.RunAsync(8, "connections cut in COMMIT, before or after the server did it", async world =>
    {
        // Two of three, turn and turn about, until enough; the transaction that ends the run is among them.
        var proxy = world.Keep(new CuttingProxy(world.Database.ConnectionString, no => no > 24 ? CuttingProxy.Cut.None : (CuttingProxy.Cut)(no % 3)));
        var run = await world.AskAsync("cut", count: 8, maxAttempts: 100);
        world.StartWorker(settings: Through(proxy));

        var done = await world.FinishedAsync(run);

        done.State.ShouldBe(JobStates.Succeeded);
        proxy.Cuts.ShouldBeGreaterThan(6);
        world.Recovered(null, $"{proxy.Cuts} commits cut, each effect once");
    });

    [Fact]
    public Task A_run_whose_last_commit_was_done_but_not_heard_of_is_done_once() => FaultWorld.RunAsync(8, "the last COMMIT done, its answer lost", async world =>
    {
        var proxy = world.Keep(new CuttingProxy(world.Database.ConnectionString, no => no == 2 ? CuttingProxy.Cut.AfterTheServer : CuttingProxy.Cut.None));
        var run = await world.AskAsync("cut", count: 1);
        world.StartWorker(settings: Through(proxy));

        var done = await world.FinishedAsync(run);

        proxy.Cuts.ShouldBe(1);
        (done.State, done.Fence).ShouldBe((JobStates.Succeeded, 1));
        world.Recovered(null, "succeeded, and stayed so");
    });

    [Fact]
    public Task A_run_keeps_its_lease_while_no_connection_is_to_be_had_and_goes_on_after() => FaultWorld.RunAsync(34, "every connection of the database taken", async world =>
    {
        var computing = await world.AskAsync("computing", count: 3, before: 9);
        var writing = await world.AskAsync("writing", count: 40, between: 0.2, maxAttempts: 100);
        world.StartWorker(settings: new Dictionary<string, string> { ["Queueing__Slots"] = "2" });
        await world.UntilAsync(writing, run => run.Progress > 0);
        var holders = await HoldAllAsync(world);
        await Task.Delay(TimeSpan.FromSeconds(6));
        holders.ForEach(holder => holder.Dispose());
        var freed = DateTimeOffset.UtcNow;
        var kept = await world.FinishedAsync(computing);
        var wrote = await world.FinishedAsync(writing);

        (kept.State, kept.Fence).ShouldBe((JobStates.Succeeded, 1));
        wrote.State.ShouldBe(JobStates.Succeeded);
        world.Recovered(await world.History.FirstSignAsync(writing, freed), "6 s without a connection, longer than the lease: heartbeats have their own");
    });

    [Fact]
    public Task More_runs_than_connections_wait_for_each_other() => FaultWorld.RunAsync(34, "a pool of 2 connections for 8 runs at once", async world =>
    {
        var runs = await Task.WhenAll(Enumerable.Range(0, 24).Select(no => world.AskAsync($"{no}", count: 5)));
        var clock = Stopwatch.StartNew();
        world.StartWorker(settings: new Dictionary<string, string> { ["Queueing__Slots"] = "8", ["Database__MaxPoolSize"] = "2" });

        foreach (var run in runs)
        {
            var done = await world.FinishedAsync(run);
            (done.State, done.Fence).ShouldBe((JobStates.Succeeded, 1));
        }

        world.Recovered(null, $"24 runs at the first attempt, {clock.Elapsed.TotalSeconds:F1} s");
    });

    private static Dictionary<string, string> QuickRetry => new() { ["Queueing__RetryDelay"] = "00:00:00.01" };

    private static Dictionary<string, string> Through(CuttingProxy proxy) => new(QuickRetry) { ["Database__ConnectionString"] = proxy.ConnectionString, ["Notifying__Look"] = "00:10:00" };

    private static async Task<int> EndBackendsAsync(FaultWorld world, CancellationToken cancellationToken)
    {
        var ended = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            ended += await world.History.OwnerAsync(owner => owner.ExecuteScalarAsync<int>(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and usename <> current_user"));
            await Task.Delay(400, CancellationToken.None);
        }

        return ended;
    }

    /// <summary>Takes the place of every connection but the heartbeats'.</summary>
    private static async Task<List<NpgsqlConnection>> HoldAllAsync(FaultWorld world)
    {
        const string OfWork = "from pg_stat_activity where datname = current_database() and application_name = 'pimm'";
        var place = new NpgsqlConnectionStringBuilder(world.Database.ConnectionString) { Pooling = false, ApplicationName = "holder" }.ConnectionString;
        var holders = new List<NpgsqlConnection>();
        await world.History.OwnerAsync(owner => owner.ExecuteAsync($"alter database {world.Database.Name} connection limit 12"));
        await FaultWorld.UntilAsync(async () =>
        {
            await world.History.OwnerAsync(owner => owner.ExecuteAsync($"select pg_terminate_backend(pid) {OfWork}"));
            while (await OpenAsync(place) is { } holder)
            {
                holders.Add(holder);
            }

            return await world.History.OwnerAsync(owner => owner.ExecuteScalarAsync<int>($"select count(*) {OfWork}")) == 0;
        }, "no connection is left for work");
        return holders;
    }

    /// <summary>Null when the database takes no more.</summary>
    private static async Task<NpgsqlConnection?> OpenAsync(string connectionString)
    {
        var connection = new NpgsqlConnection(connectionString);
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.TooManyConnections)
        {
            await connection.DisposeAsync();
            return null;
        }
    }
}
