using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>Events over HTTP that were put aside by one process and are tried again by another.</summary>
public sealed class OutcomesCommandTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Problems_are_listed_without_what_they_say_and_count_when_they_are_tried_again()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var world = await OutcomeWorld.CreateAsync(database.DataSource, "shop", 10, 10, DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(-3));
        await SendAsync(database, world.Label("e2", 1, 2), world.Outcome("e9", 77, 1));

        var problems = await RunAsync(database, "outcomes", "problems", "--json");
        problems.GetProperty("problems").EnumerateArray().Select(problem => problem.GetProperty("code").GetString()).ShouldBe(["funnel_order", "unknown_customer"], ignoreOrder: true);
        problems.GetRawText().ShouldNotContain($"{OutcomeWorld.CustomerOf(77):D}");
        await SendAsync(database, world.Label("e1", 1, 1));

        var replayed = await RunAsync(database, "outcomes", "replay", "--json");

        (replayed.GetProperty("received").GetInt32(), replayed.GetProperty("accepted").GetInt32(), replayed.GetProperty("quarantined").GetInt32()).ShouldBe((2, 1, 1));
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.QueryAsync<string>("select code from outcome_problem")).ShouldBe(["unknown_customer"]);
        (await connection.ExecuteScalarAsync<long>("select count(*) from audit_event where action = 'outcomes.replay'")).ShouldBe(1);
    }

    private static async Task SendAsync(TestDatabase database, params string[] events)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Database:ConnectionString", database.ConnectionString)]).Build();
        await using var services = new ServiceCollection().AddLogging().AddPimmCore(configuration).BuildServiceProvider();
        var bodies = events.Select(one => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(one)).ToList();
        var hash = SHA256.HashData(bodies[0].Span);
        await services.GetRequiredService<TakeOutcomes>().RunAsync(
            new OutcomeBatch("channel", bodies, FunnelOrder.Reject, Atomic: false, null), new RequestIdentity("channel", Convert.ToHexString(hash), hash), Cancel);
    }

    private static async Task<JsonElement> RunAsync(TestDatabase database, params string[] arguments)
    {
        await using var process = PimmProcess.Start(database, new Dictionary<string, string>(), arguments);
        (await process.ExitedAsync()).ShouldBe(0, process.Error);
        return JsonDocument.Parse(process.Output).RootElement;
    }
}
