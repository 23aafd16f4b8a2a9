using System.Diagnostics;
using Dapper;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Queueing;

/// <summary>All connections taken, a table locked for long: others are told soon, and no lease is lost over it.</summary>
public sealed class CrowdedDatabaseTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pool_without_a_free_connection_costs_no_lease_and_whoever_asks_is_told_within_seconds()
    {
        await using var world = await QueueWorld.CreateAsync();
        var (taken, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var id = await world.AskAsync();
        await world.StartAsync(async (run, token) =>
        {
            var held = new List<NpgsqlConnection>();
            while (held.Count < world.Database.Options.MaxPoolSize)
                held.Add(await world.Database.DataSource.OpenConnectionAsync(token));
            taken.SetResult();
            await release.Task;
            foreach (var connection in held)
                await connection.DisposeAsync();
        });
        await taken.Task;

        var asked = Stopwatch.StartNew();
        var refused = await Should.ThrowAsync<NpgsqlException>(() => world.Queue.ListAsync(cancellationToken: Cancel));
        asked.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(8));
        PostgresErrors.IsTransient(refused).ShouldBeTrue();
        PostgresErrors.Translate(refused).Message.ShouldContain("All connections to the database are in use");
        // Longer than the lease of 4 s has gone by.
        (await world.ScalarAsync<bool>($"select lease_until > clock_timestamp() from job_run where id = {id}")).ShouldBeTrue();
        release.SetResult();

        var run = await world.FinishedAsync(id);
        (run.State, run.Attempt, run.Fence).ShouldBe((JobStates.Succeeded, 1, 1));
    }

    [Fact]
    public async Task A_table_that_somebody_locks_makes_a_run_wait_for_another_try_and_costs_no_lease()
    {
        await using var world = await QueueWorld.CreateAsync();
        await using var hog = await world.Database.Owner.OpenConnectionAsync(Cancel);
        await using var transaction = await hog.BeginTransactionAsync(Cancel);
        await hog.ExecuteAsync("lock table import_problem in access exclusive mode");
        var id = await world.AskAsync();
        await world.StartAsync((run, token) => run.CommitAsync(connection => connection.ExecuteAsync("delete from import_problem"), token));

        var told = await world.UntilAsync(id, run => run.Error is not null);
        told.ErrorSentence.ShouldBe("Somebody else holds the rows or the table for too long: try again.");
        (await world.ScalarAsync<long>("select count(*) from job_run_log where message like '%lost%'")).ShouldBe(0);
        await transaction.RollbackAsync(Cancel);

        (await world.FinishedAsync(id)).State.ShouldBe(JobStates.Succeeded);
    }

    [Fact]
    public async Task Statements_locks_and_idle_transactions_end_when_the_settings_say()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var web = new DatabaseOptions { ConnectionString = database.ConnectionString };
        web.UseForPages();

        (await SettingsAsync(DataSources.ForApp(new DatabaseOptions { ConnectionString = database.ConnectionString }))).ShouldBe("15min 3s 1min 30");
        (await SettingsAsync(DataSources.ForApp(web))).ShouldBe("5s 3s 1min 30");
        (await SettingsAsync(DataSources.ForLeases(web))).ShouldBe("5s 3s 1min 30");
        (web.MaxPoolSize, web.ConnectionsOfWorker, new DatabaseOptions().ConnectionsOfWorker).ShouldBe((25, 23, 23));
        (ConnectionsOfWorker("8", "6"), ConnectionsOfWorker("64", "4")).ShouldBe((27, 39));
    }

    private static int ConnectionsOfWorker(string slots, string schedulers)
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Queueing:Slots"] = slots, ["Scheduling:MaxPoolSize"] = schedulers }).Build();
        using var services = new ServiceCollection().AddPimmDatabase(settings).BuildServiceProvider();
        return services.GetRequiredService<IOptions<DatabaseOptions>>().Value.ConnectionsOfWorker;
    }

    private static async Task<string> SettingsAsync(NpgsqlDataSource source)
    {
        await using (source)
        {
            await using var connection = await source.OpenConnectionAsync(Cancel);
            return (await connection.ExecuteScalarAsync<string>(
                """
                select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'),
                                 (select reset_val from pg_settings where name = 'tcp_keepalives_idle'))
                """))!;
        }
    }
}
