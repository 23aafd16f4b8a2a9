using System.Net;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests.Api;

public sealed class RunsApiTests(WebFixture web)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_queued_run_is_cancelled_at_once_a_running_one_is_asked_to_stop_and_a_finished_one_stays()
    {
        using var client = await ApiClient.WithAsync(web, ApiScopes.RunsWrite);
        var (queued, running, over) = (await AddAsync("queued"), await AddAsync("running"), await AddAsync("succeeded"));

        // Twice is once.
        foreach (var _ in new[] { 1, 2 })
        {
            var cancelled = await client.SendAsync("POST", $"/api/v1/runs/{queued}/cancel");
            cancelled.StatusCode.ShouldBe(HttpStatusCode.OK);
            var run = await ApiClient.ReadAsync(cancelled);
            (run["id"]!.GetValue<long>(), run["state"]!.GetValue<string>(), run["cancelRequested"]!.GetValue<bool>()).ShouldBe((queued, "cancelled", true));
        }
        var asked = await ApiClient.ReadAsync(await client.SendAsync("POST", $"/api/v1/runs/{running}/cancel"));
        (asked["state"]!.GetValue<string>(), asked["cancelRequested"]!.GetValue<bool>()).ShouldBe(("running", true));
        var refused = await client.SendAsync("POST", $"/api/v1/runs/{over}/cancel");
        refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await ApiClient.ReadAsync(refused))["code"]!.GetValue<string>().ShouldBe("run-finished");

        foreach (var (run, entries) in new[] { (queued, 1), (running, 1), (over, 0) })
        {
            var recorded = await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Object: $"run:{run}"), 10, Cancel);
            recorded.Count.ShouldBe(entries);
            recorded.ShouldAllBe(row => row.Action == "run.cancel" && row.Actor.StartsWith("key:"));
        }
        await using var connection = await web.Database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync("delete from job_run where id = any(@ids)", new { ids = new[] { queued, running, over } });
    }

    // Of a kind that no worker knows.
    private async Task<long> AddAsync(string state)
    {
        await using var connection = await web.Database.Owner.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>(
            """
            insert into job_run(kind, dedupe_key, arguments, state, attempt, fence, owner, started_at, lease_until, finished_at)
            values ('held by a test', gen_random_uuid()::text, '{}', @state, 1, 1, case when @state = 'running' then 'tests' end, now(),
                    case when @state = 'running' then now() + interval '1 hour' end, case when @state = 'succeeded' then now() end) returning id
            """, new { state });
    }
}
