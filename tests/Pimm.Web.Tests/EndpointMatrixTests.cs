using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.StaticAssets;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Access;
using Pimm.Core.Exporting;
using Pimm.Web.Exporting;
using Pimm.Web.Tests.Api;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

/// <summary>Every endpoint × who asks → the answer. A new endpoint fails here until it has its row.</summary>
public sealed partial class EndpointMatrixTests(WebFixture web)
{
    /// <summary>Nobody, Viewer, Marketer, DataScientist, Administrator.</summary>
    private static readonly string?[] Askers = [null, Roles.Viewer, Roles.Marketer, Roles.DataScientist, Roles.Administrator];

    private const string Open = "200 200 200 200 200";
    private const string Page = "302 200 200 200 200";
    private const string Administrators = "302 302 302 302 200";
    // A step of the sign-in for whoever has not begun one.
    private const string Step = "302 302 302 302 302";

    private const string ListPattern = "/campaigns/{id:long}/lists/{date}/{arm}/{channel}";

    // A post without its token.
    private const string Form = "302 400 400 400 400";
    private const string AdministratorsForm = "302 302 302 302 400";
    private const string OpenForm = "400 400 400 400 400";
    private const string Wrong = "302 405 405 405 405";

    /// <summary>Pattern, and the statuses of a GET and of a POST without a token, for each asker; null: there is no such endpoint.</summary>
    private static readonly (string Pattern, string? Get, string? Post)[] Table =
    [
        ("/", Page, Form),
        ("/_blazor", "401 400 400 400 400", "401 400 400 400 400"),
        ("/_blazor/disconnect/", Wrong, Form),
        ("/_blazor/initializers/", Page, Page),
        ("/_blazor/negotiate", "401 405 405 405 405", "401 200 200 200 200"),
        ("/_framework/opaque-redirect", Form, null),
        ("/account", Page, Form),
        ("/api/v1/openapi.json", Open, null),
        ("/audit", Administrators, AdministratorsForm),
        ("/audit/export.csv", Administrators, null),
        ("/approvals", Page, Form),
        ("/approvals/{Id:long}", Page, Form),
        ("/approvals/{id:long}/records/{decision:long}.json", Page, null),
        ("/audiences", Page, Form),
        ("/audiences/{Id:long}", Page, Form),
        ("/campaigns/new", Page, Form),
        ("/campaigns/new/{Step}", Page, Form),
        ("/campaigns/new/{DraftId:long}/{Step?}", Page, Form),
        ("/campaigns/{CampaignId:long}/edit/{Step?}", Page, Form),
        ("/campaigns/{Id:long}/{Tab}", Page, Form),
        // A list names people; its manifest counts them, and says no more than the campaign's page that everybody sees.
        ("/campaigns/{id:long}/lists/{date}/{arm}/{channel}", "302 403 200 403 200", null),
        ("/campaigns/{id:long}/lists/{date}/{arm}/{channel}/manifest", "302 200 200 200 200", null),
        ("/demo", Page, Form),
        ("/health", Page, Form),
        ("/help", Page, Form),
        ("/models", Page, Form),
        ("/models/compare", Page, Form),
        ("/models/versions/{Id:long}", Page, Form),
        ("/models/versions/{id:long}/card", "302 404 404 404 404", null),
        ("/notices", Page, Form),
        ("/portfolio", Page, Form),
        ("/privacy", Page, Form),
        ("/runs", Page, Form),
        ("/runs/{Id:long}", Page, Form),
        ("/schedules", Page, Form),
        ("/schedules/new", Page, Form),
        ("/schedules/{Id:long}", Page, Form),
        ("/campaigns", Page, Form),
        ("/campaigns/{Id:long}", Page, Form),
        ("/health/live", Open, Open),
        ("/health/ready", Open, Open),
        ("/health/status", Open, null),
        ("/imports", Page, Form),
        ("/imports/new", Page, Form),
        ("/imports/new/{UploadId:long}", Page, Form),
        ("/imports/new/{UploadId:long}/{DraftId:long}", Page, Form),
        ("/imports/upload", null, Form),
        ("/imports/{Id:long}", Page, Form),
        ("/imports/{id:long}/problems.csv", "302 403 200 200 200", null),
        ("/language", null, OpenForm),
        ("/not-found", Page, Form),
        ("/problem/{Status:int}", Open, OpenForm),
        ("/settings", Administrators, AdministratorsForm),
        ("/settings/keys", Administrators, AdministratorsForm),
        ("/settings/webhooks", Administrators, AdministratorsForm),
        ("/settings/webhooks/{Id:long}", Administrators, AdministratorsForm),
        ("/sign-in", Open, OpenForm),
        ("/sign-in/code", Step, OpenForm),
        ("/sign-in/password", Step, OpenForm),
        ("/sign-in/two-factor", Step, OpenForm),
        ("/sign-out", null, Form),
        ("/users", Administrators, AdministratorsForm),
        ("/users/{Id:long}", Administrators, AdministratorsForm),
        ("/{**path:file}", "302 404 404 404 404", null),
    ];

    [Fact]
    public async Task Every_endpoint_answers_each_role_as_the_table_says()
    {
        var sessions = new List<Session>();
        foreach (var role in Askers)
        {
            if (role is not null)
            {
                await web.AddUserAsync($"matrix-{role}", role);
            }
            sessions.Add(await Session.OfAsync(web.Address, role is null ? null : $"matrix-{role}"));
        }

        var list = ListDownload.Href((await web.Services.GetRequiredService<ExportStore>().ListsAsync(web.Campaign))[0]);
        var found = new List<string>();
        foreach (var (method, pattern) in Endpoints().Where(endpoint => !endpoint.Pattern.StartsWith("/api/v1/", StringComparison.Ordinal) || endpoint.Pattern == "/api/v1/openapi.json"))
        {
            var statuses = new List<string>();
            foreach (var session in sessions)
            {
                using var content = method == "POST" ? new FormUrlEncodedContent([new("_handler", "sign-in")]) : null;
                using var answer = await session.SendAsync(new HttpMethod(method), Filled(pattern.Replace(ListPattern, list, StringComparison.Ordinal)), content);
                // 503 from there says how the installation is, not who may ask.
                statuses.Add(pattern == "/health/status" && (int)answer.StatusCode == 503 ? "200" : $"{(int)answer.StatusCode}");
                answer.Headers.Contains("Content-Security-Policy").ShouldBeTrue($"{method} {pattern}");
                answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
                answer.Headers.CacheControl.ShouldNotBeNull().NoStore.ShouldBeTrue($"{method} {pattern} is private");
            }
            found.Add($"{method} {pattern} → {string.Join(' ', statuses)}");
        }

        sessions.ForEach(session => session.Dispose());
        var expected = Table.SelectMany(row => new[] { ("GET", row.Pattern, row.Get), ("POST", row.Pattern, row.Post) }).Where(row => row.Item3 is not null).Select(row => $"{row.Item1} {row.Pattern} → {row.Item3}").ToList();
        found.Except(expected).ShouldBeEmpty("these are not in the table");
        expected.Except(found).ShouldBeEmpty("the table has these");
    }

    [Fact]
    public async Task The_api_reads_no_cookie_whoever_is_signed_in_on_the_pages()
    {
        await web.AddUserAsync("matrix-api", Roles.Administrator);
        using var session = await Session.OfAsync(web.Address, "matrix-api");
        foreach (var endpoint in ApiEndpoint.All)
        {
            using var body = endpoint.Method is "GET" or "DELETE" ? null : new StringContent("{}", System.Net.Http.Headers.MediaTypeHeaderValue.Parse(endpoint.ContentType));
            using var answer = await session.SendAsync(new HttpMethod(endpoint.Method), endpoint.Path(web.Campaign), body);
            answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.Unauthorized, $"{endpoint}");
        }
    }

    [Fact]
    public void What_needs_no_session_is_named_here()
    {
        var open = Routes().Where(route => route.Metadata.GetMetadata<StaticAssetDescriptor>() is null && route.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            .Select(route => route.RoutePattern.RawText!).Distinct().Order(StringComparer.Ordinal);

        open.ShouldBe(
        [
            "/api/v1/openapi.json", "/health/live", "/health/ready", "/health/status", "/language", "/problem/{Status:int}", "/sign-in", "/sign-in/code", "/sign-in/password", "/sign-in/two-factor",
        ]);
    }

    /// <summary>Of the real app, but for files, which are for everybody.</summary>
    private IEnumerable<(string Method, string Pattern)> Endpoints() =>
        from route in Routes()
        where route.Metadata.GetMetadata<StaticAssetDescriptor>() is null
        from method in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET", "POST"]
        where method is "GET" or "POST" or "PUT" or "DELETE" or "PATCH"
        group route by (method, pattern: "/" + route.RoutePattern.RawText!.TrimStart('/')) into same
        select same.Key;

    private IReadOnlyList<RouteEndpoint> Routes()
    {
        using var app = new WebApplicationFactory<App>().WithWebHostBuilder(host =>
        {
            foreach (var (name, value) in web.Database.Environment)
            {
                host.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
            }
        });
        return [.. app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()];
    }

    private string Filled(string pattern) => Parameter().Replace(pattern.Replace("/campaigns/{Id:long}", $"/campaigns/{web.Campaign}", StringComparison.Ordinal), match => match.Value switch
    {
        "{Status:int}" => "404",
        "{**path:file}" => "no-such-file.txt",
        _ => "1",
    });

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();
}
