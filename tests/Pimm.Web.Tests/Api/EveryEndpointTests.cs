using System.Net;
using Microsoft.AspNetCore.Authorization;
using Pimm.Core.Access;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests.Api;

/// <summary>What holds for every operation, asked of every one that is mapped: a new one is in here without a line.</summary>
public sealed class EveryEndpointTests(WebFixture web)
{
    private const long Nobody = 999_999_999;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Asks_for_a_scope()
    {
        ApiEndpoint.All.Count.ShouldBeGreaterThan(10);
        ApiEndpoint.All.Where(endpoint => endpoint.Scope is null || !ApiScopes.All.ContainsKey(endpoint.Scope)).ShouldBeEmpty("Give it RequireScope.");
        ApiEndpoint.All.Where(endpoint => endpoint.Endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null).ShouldBeEmpty();
        ApiEndpoint.All.Where(endpoint => endpoint.Endpoint.Metadata.GetMetadata<AuthorizationPolicy>() is null).ShouldBeEmpty();
    }

    [Fact]
    public async Task Refuses_who_has_no_key_as_a_problem_and_never_as_a_page()
    {
        using var nobody = new ApiClient(web.Address, null);
        foreach (var endpoint in ApiEndpoint.All)
        {
            var answer = await nobody.SendAsync(endpoint.Method, endpoint.Path(web.Campaign), Body(endpoint), Type(endpoint));

            await ShouldBeProblemAsync(answer, HttpStatusCode.Unauthorized, "no-key", endpoint);
            answer.Headers.WwwAuthenticate.ShouldHaveSingleItem().Scheme.ShouldBe("Bearer");
        }
    }

    [Fact]
    public async Task Refuses_a_key_without_its_scope_and_names_the_scope()
    {
        foreach (var scope in ApiEndpoint.All.Select(endpoint => endpoint.Scope!).Distinct())
        {
            using var other = await ApiClient.WithAsync(web, [.. ApiScopes.All.Keys.Where(name => name != scope)]);
            foreach (var endpoint in ApiEndpoint.All.Where(endpoint => endpoint.Scope == scope))
            {
                var answer = await other.SendAsync(endpoint.Method, endpoint.Path(web.Campaign), Body(endpoint), Type(endpoint));

                var problem = await ShouldBeProblemAsync(answer, HttpStatusCode.Forbidden, "missing-scope", endpoint);
                problem["detail"]!.GetValue<string>().ShouldContain(scope);
            }
        }
    }

    [Fact]
    public async Task Answers_an_unknown_number_with_not_found()
    {
        using var all = await ApiClient.WithAsync(web);
        foreach (var endpoint in ApiEndpoint.All.Where(endpoint => endpoint.HasNumber && endpoint.Method != "PUT"))
        {
            var answer = await all.SendAsync(endpoint.Method, endpoint.Path(Nobody), endpoint.Pattern.EndsWith("lookup", StringComparison.Ordinal) ? """{"customerRef":"c00001"}""" : Body(endpoint));

            await ShouldBeProblemAsync(answer, HttpStatusCode.NotFound, "not-found", endpoint);
        }
    }

    [Fact]
    public async Task Refuses_a_parameter_that_it_does_not_know()
    {
        using var all = await ApiClient.WithAsync(web);
        foreach (var endpoint in ApiEndpoint.All.Where(endpoint => endpoint.Method == "GET"))
        {
            var answer = await all.SendAsync("GET", endpoint.Path(web.Campaign) + "?limti=5");

            var problem = await ShouldBeProblemAsync(answer, HttpStatusCode.BadRequest, "unknown-parameter", endpoint);
            problem["detail"]!.GetValue<string>().ShouldContain("\"limti\"");
        }
    }

    [Fact]
    public async Task Refuses_a_body_that_is_no_JSON()
    {
        using var all = await ApiClient.WithAsync(web);
        foreach (var endpoint in ApiEndpoint.All.Where(endpoint => endpoint.Method is "POST" or "PUT" && endpoint.Scope is ApiScopes.CampaignsWrite or ApiScopes.AssignmentsRead && endpoint.Method != "GET"))
        {
            var answer = await all.SendAsync(endpoint.Method, endpoint.Path(web.Campaign), "{ \"name\": ", ("If-Match", "\"1\""));

            await ShouldBeProblemAsync(answer, HttpStatusCode.BadRequest, "wrong-input", endpoint);
        }
    }

    [Fact]
    public async Task Reads_from_a_database_that_lets_nobody_write_and_so_changes_nothing()
    {
        var settings = new Dictionary<string, string>
        {
            ["Database__ConnectionString"] = web.Database.ConnectionString + ";Options=-c default_transaction_read_only=on",
        };
        await using var reader = await PimmApp.StartAsync(web.Database, settings);
        var key = await ApiClient.KeyAsync(web);
        using (var writer = new ApiClient(web.Address, key))
        {
            // Notes the key's last use, which is then good for a minute.
            (await writer.SendAsync("GET", "/api/v1/runs")).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        using var all = new ApiClient(reader.Address, key);
        var written = new List<string>();
        foreach (var endpoint in ApiEndpoint.All.Where(endpoint => endpoint.Method == "GET"))
        {
            var answer = await all.SendAsync("GET", endpoint.Path(web.Campaign));
            if (answer.StatusCode >= HttpStatusCode.InternalServerError)
            {
                written.Add($"{endpoint}");
            }
        }

        // A download is written down before its first byte.
        written.Where(endpoint => !endpoint.Contains("/lists/", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("GET", "/api/v1/nothing", HttpStatusCode.NotFound, "not-found")]
    [InlineData("GET", "/api/v2/campaigns", HttpStatusCode.NotFound, "not-found")]
    [InlineData("GET", "/api/v1/campaigns/spring", HttpStatusCode.NotFound, "not-found")]
    [InlineData("DELETE", "/api/v1/campaigns/1", HttpStatusCode.MethodNotAllowed, "method-not-allowed")]
    public async Task An_address_that_is_not_there_is_a_problem_without_a_key_too(string method, string path, HttpStatusCode status, string code)
    {
        using var nobody = new ApiClient(web.Address, null);

        await ShouldBeProblemAsync(await nobody.SendAsync(method, path), status, code, path);
    }

    private static (string, string)[] Type(ApiEndpoint endpoint) => endpoint.Method == "GET" ? [] : [("Content-Type", endpoint.ContentType)];

    private static string? Body(ApiEndpoint endpoint) => endpoint.Method == "GET" ? null : "{}";

    private static async Task<System.Text.Json.Nodes.JsonNode> ShouldBeProblemAsync(HttpResponseMessage answer, HttpStatusCode status, string code, object asked)
    {
        answer.StatusCode.ShouldBe(status, $"{asked}: {await answer.Content.ReadAsStringAsync(Cancel)}");
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json", $"{asked}");
        answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        answer.Headers.Contains("Set-Cookie").ShouldBeFalse($"{asked}");
        var problem = await ApiClient.ReadAsync(answer);
        problem["code"]!.GetValue<string>().ShouldBe(code, $"{asked}");
        problem["type"]!.GetValue<string>().ShouldBe($"urn:pimm:problem:{code}");
        problem["status"]!.GetValue<int>().ShouldBe((int)status);
        problem["detail"]!.GetValue<string>().ShouldEndWith(".");
        return problem;
    }
}
