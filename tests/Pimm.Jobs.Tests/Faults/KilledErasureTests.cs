using Dapper;
using Pimm.Core.Queueing;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>kill -9 between two stores of an erasure: another worker erases the rest, and each store is counted once.</summary>
public sealed class KilledErasureTests
{
    [Theory]
    [InlineData("erase.store-done:kill:1", "kill -9 while erasing: behind the first store")]
    [InlineData("erase.store-done:kill:6", "kill -9 while erasing: behind the sixth store")]
    public Task A_killed_erasure_goes_on_behind_the_store_that_was_done(string fault, string name) => FaultWorld.RunAsync(41, name, async world =>
    {
        var customer = CustomerHash.Of("Kunde-4711");
        await using var connection = await world.Observer.OpenConnectionAsync();
        await connection.ExecuteAsync(
            """
            select create_audience('savers', 'id', '[{"name": "age", "kind": "number"}]', '{click}', false, now());
            insert into audience.customers_1(customer, version, customer_key) values (@customer, 1, 'Kunde-4711'), (@customer, 2, 'Kunde-4711');
            insert into consent(customer, purpose, channel, at, granted, source) values (@customer, 'offers', 'all', now() - interval '1 day', true, 'call of Kunde-4711');
            """, new { customer });
        var settings = new Dictionary<string, string>
        {
            ["PIMM_FAULT"] = $"{fault}:{Path.Combine(world.Folder, "happened")}", ["Exporting__Folder"] = Path.Combine(world.Folder, "exports"),
            ["Outcomes__Inbox"] = Path.Combine(world.Folder, "inbox"), ["Importing__Uploads"] = Path.Combine(world.Folder, "uploads"), ["Queueing__RetryDelay"] = "00:00:00.2",
        };
        await using var killed = PimmProcess.Start("Pimm.FaultyWorker", world.Database, settings, [], "erase", "--customer-ref", "Kunde-4711", "--yes");
        (await killed.ExitedAsync()).ShouldBe(137, killed.Error);
        var run = await connection.ExecuteScalarAsync<long>("select id from job_run where kind = 'erase'");
        (await connection.ExecuteScalarAsync<bool>("select finished_at is null from erasure")).ShouldBeTrue();

        world.StartWorker();
        var done = await world.FinishedAsync(run);

        (done.State, done.Attempt).ShouldBe((JobStates.Succeeded, 2), done.Error);
        (await connection.ExecuteScalarAsync<string>("select concat_ws(' ', counts->>'keys', counts->>'consents', counts->>'kept texts', finished_at is not null, traces_sealed is null) from erasure")).ShouldBe("2 1 1 t t");
        (await connection.ExecuteScalarAsync<long>("select count(*) from audience.customers_1 where customer_key like 'Kunde%'")).ShouldBe(0);
        (await connection.ExecuteScalarAsync<long>("select count(*) from audit_event where action = 'erase.finish'")).ShouldBe(1);
    });
}
