using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Dapper;
using Deque.AxeCore.Playwright;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Approving;
using Pimm.Testing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>An app on the rows that no other test reads: these tests take tables away from it, and give them back.</summary>
public sealed class PatientApp(WebFixture web) : IAsyncLifetime
{
    // A page that waits for a lock is not ended by the clock, and no sampler finds anything for the list of notices.
    internal static readonly Dictionary<string, string> Settings = new()
    {
        ["Database__PageTimeoutSeconds"] = "120", ["Notifying__Look"] = "00:10:00", ["Access__RevalidationSeconds"] = "60", ["Api__Burst"] = "1000",
    };

    internal IHost Host { get; private set; } = null!;

    internal PimmApp App { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = new SeededCampaign(web.Untouched, web.Exports).CreateHost();
        App = await PimmApp.StartAsync(web.Untouched, Settings);
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        Host.Dispose();
    }
}

/// <summary>Every page while it has nothing, while it waits, and when it fails; the list itself is what all other tests see.</summary>
public sealed class StatesTests(WebFixture web, PatientApp patient) : IClassFixture<PatientApp>
{
    private const string Role = "pimm_test_app";

    /// <summary>What a person is never to read: statements, stacks, drivers, and where the database is.</summary>
    private static readonly string[] Secret = ["select ", "Npgsql", "   at ", ".cs:line", "Exception", "Host=", "Password=", Role, "SQLSTATE"];

    /// <summary>Beside those of docs/pages.md.</summary>
    private static IEnumerable<DocumentedPage> Pages =>
    [
        .. DocumentedPage.All.Where(page => page is { OnTheWay: false, Name: not "sign-in" }),
        new("keys", "API keys", "/settings/keys", "") { Reads = "api_key", BeginsEmpty = true },
        new("webhooks", "Webhooks", "/settings/webhooks", "") { Reads = "webhook", BeginsEmpty = true },
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_a_new_installation_every_list_says_so_and_offers_one_thing_to_do()
    {
        await using var database = await TestDatabase.MigratedAsync();
        using var host = new SeededCampaign(database, web.Exports).CreateHost();
        await using var app = await PimmApp.StartAsync(database, PatientApp.Settings);
        await using var page = await web.OpenElsewhereAsync(app, host, "first", Roles.Administrator);
        var found = new List<string>();
        foreach (var one in Pages)
        {
            if (await one.AddressInAsync(database.DataSource) is not { } address)
            {
                continue;
            }
            await page.Page.GotoAsync(address);
            if (one.Name is not ("account" or "import-new"))
            {
                await page.Page.WaitForSelectorAsync(".shell[data-alive=yes]");
            }
            await Expect(page.Page.Locator(".loading")).ToHaveCountAsync(0);
            var empty = await page.Page.Locator(".empty").CountAsync();
            var offered = await page.Page.Locator(".empty").Locator("a, button").CountAsync();
            if ((await page.Page.Locator("h1").CountAsync(), empty, offered) != (1, one.BeginsEmpty ? 1 : empty, empty))
            {
                found.Add($"{address}: {empty} empty lists that offer {offered} things: {await page.Page.Locator("main").InnerTextAsync()}");
            }
            found.AddRange((await page.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => $"{address}: {violation.Id}: {violation.Nodes[0].Html}"));
        }

        found.ShouldBeEmpty();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Every_page_says_that_it_waits_and_what_failed_and_comes_back_when_it_is_asked_again()
    {
        var (database, host, app) = (web.Untouched, patient.Host, patient.App);
        await host.Services.GetRequiredService<ApprovalDesk>().SubmitAsync(await SeededCampaign.CreateIdleAsync(host.Services, web.Campaign, "Waits"), "user:author", null, Cancel);
        await using var page = await web.OpenElsewhereAsync(app, host, "patient", Roles.Administrator);
        await page.GoAsync("/help");
        var clicks = 0;
        foreach (var one in Pages.Where(one => one.Reads is not null))
        {
            var address = (await one.AddressInAsync(database.DataSource)).ShouldNotBeNull(one.Name);
            try
            {
                await ShouldWaitAsync(page.Page, database, one, address);
                clicks += await ShouldFailAsync(page.Page, database, one, address) ? 1 : 0;
            }
            catch (PlaywrightException missed)
            {
                Assert.Fail($"{address}, of {one.Reads}: {missed.Message} It says: {await page.Page.Locator("main").InnerTextAsync()} {string.Join('\n', app.Log.Split('\n').TakeLast(5))}");
            }
        }
        clicks.ShouldBePositive();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Whoever_goes_on_before_the_chosen_audience_is_read_comes_to_the_next_step()
    {
        var (database, host, app) = (web.Untouched, patient.Host, patient.App);
        await using var page = await web.OpenElsewhereAsync(app, host, "hasty", Roles.Marketer);
        await page.GoAsync("/campaigns/new");
        await page.Page.FillAsync("#name", "In a hurry");
        await WizardTests.ContinueAsync(page.Page, "Audience");
        await Expect(page.Page.Locator("#audience")).ToBeVisibleAsync();
        await using (var connection = await database.Owner.OpenConnectionAsync(Cancel))
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            await connection.ExecuteAsync("lock table model_line in access exclusive mode", transaction: transaction);
            await page.Page.SelectOptionAsync("#audience", "Savers of the north");
            await WizardTests.ContinueAsync(page.Page, "Budget and dates");
            // The audience is read, its lines are not: the click has been heard when the filter is drawn.
            await Expect(page.Page.Locator(".conditions")).ToBeVisibleAsync();
        }

        await Expect(page.Page.Locator("#impressionsPerDay")).ToBeVisibleAsync();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task What_fails_inside_is_answered_with_an_id_that_the_log_has_and_with_nothing_else()
    {
        var (database, host, app) = (web.Untouched, patient.Host, patient.App);
        await using (var page = await web.OpenElsewhereAsync(app, host, "unlucky", Roles.Administrator)) { }
        using var session = await Session.OfAsync(app.Address, "unlucky");
        var key = (await host.Services.GetRequiredService<KeyAdministration>().CreateAsync("unlucky", [ApiScopes.CampaignsRead], 1, "tests", Cancel)).Text;
        await ExecuteAsync(database, $"revoke select on campaign, app_user from {Role}");

        using var endpoint = await session.SendAsync(HttpMethod.Get, "/api/v1/campaigns", null, ("Authorization", $"Bearer {key}"));
        using var shown = await session.SendAsync(HttpMethod.Get, "/account");
        using var nobody = new Session(app.Address);
        using var form = await nobody.SignInAsync("unlucky", "anything");
        await ExecuteAsync(database, $"grant select on campaign, app_user to {Role}");

        var problem = JsonDocument.Parse(await ShouldBeOursAsync(endpoint, "application/problem+json")).RootElement;
        problem.GetProperty("code").GetString().ShouldBe("failed");
        await ShouldBeLoggedAsync(app, "GET /api/v1/campaigns", problem.GetProperty("id").GetString()!);
        await ShouldBeLoggedAsync(app, "/account", IdIn(await ShouldBeOursAsync(shown, "text/html")));
        await ShouldBeLoggedAsync(app, "POST /sign-in", IdIn(await ShouldBeOursAsync(form, "text/html")));
    }

    private static async Task ShouldWaitAsync(IPage page, TestDatabase database, DocumentedPage one, string address)
    {
        await ElsewhereAsync(page);
        await using (var connection = await database.Owner.OpenConnectionAsync(Cancel))
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            // A view is locked with its tables.
            await connection.ExecuteAsync($"lock table {one.Reads} in access exclusive mode", transaction: transaction);
            await GoAsync(page, address);
            await Expect(page.Locator(".loading[role=status]").First).ToBeVisibleAsync();
        }
        await ShouldBeThereAsync(page, one);
    }

    /// <returns>whether it was asked again: what the page hears may bring it back before</returns>
    private static async Task<bool> ShouldFailAsync(IPage page, TestDatabase database, DocumentedPage one, string address)
    {
        await ElsewhereAsync(page);
        await ExecuteAsync(database, $"revoke select on {one.Reads} from {Role}");
        await GoAsync(page, address);
        await Expect(page.Locator(".failure")).ToHaveCountAsync(1);
        await Expect(page.Locator("h1")).ToHaveCountAsync(1);
        var said = await page.Locator("main").InnerTextAsync();
        Secret.Where(word => said.Contains(word, StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty($"{address} says: {said}");
        // What failed there stays there.
        await ElsewhereAsync(page);
        await GoAsync(page, address);
        await Expect(page.Locator(".failure")).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Try again" })).ToBeVisibleAsync();
        await ExecuteAsync(database, $"grant select on {one.Reads} to {Role}");
        var clicked = await page.EvaluateAsync<bool>("() => { const again = document.querySelector('.failure .primary'); again?.click(); return !!again; }");
        await ShouldBeThereAsync(page, one);
        await page.WaitForSelectorAsync(".shell[data-alive=yes]");
        return clicked;
    }

    private static async Task ShouldBeThereAsync(IPage page, DocumentedPage one)
    {
        await Expect(page.Locator(".failure")).ToHaveCountAsync(0);
        await Expect(page.Locator(".loading")).ToHaveCountAsync(0);
        await Expect(page.Locator("h1")).ToHaveCountAsync(1);
        await Expect(page.Locator("h1")).Not.ToHaveTextAsync("Help and words");
        (await page.Locator("main").InnerTextAsync()).Length.ShouldBeGreaterThan(40, one.Name);
    }

    private static async Task ElsewhereAsync(IPage page)
    {
        await GoAsync(page, "/help");
        await Expect(page.Locator("h1")).ToHaveTextAsync("Help and words");
    }

    /// <summary>As a link does it: the circuit stays.</summary>
    private static Task GoAsync(IPage page, string address) => page.EvaluateAsync("address => Blazor.navigateTo(address)", address);

    private static async Task ExecuteAsync(TestDatabase database, string sql)
    {
        await using var owner = await database.Owner.OpenConnectionAsync(Cancel);
        await owner.ExecuteAsync(sql);
    }

    private static async Task<string> ShouldBeOursAsync(HttpResponseMessage answer, string type)
    {
        var text = await answer.Content.ReadAsStringAsync(Cancel);
        (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType).ShouldBe((HttpStatusCode.InternalServerError, type), text);
        foreach (var header in new[] { "Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy" })
        {
            answer.Headers.GetValues(header).ShouldHaveSingleItem();
        }
        answer.Headers.CacheControl.ShouldNotBeNull().NoStore.ShouldBeTrue();
        Secret.Append("app_user").Append("permission denied").Where(word => text.Contains(word, StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty(text);
        return text;
    }

    private static string IdIn(string page) => Regex.Match(WebUtility.HtmlDecode(page), @"in the server's log as (\S+)\.").Groups[1].Value;

    /// <summary>The log comes through a pipe: it may be a moment behind the answer.</summary>
    private static async Task ShouldBeLoggedAsync(PimmApp app, string asked, string id)
    {
        id.ShouldNotBeNullOrWhiteSpace();
        var clock = Stopwatch.StartNew();
        while (!app.Log.Contains($"{asked} failed ({id})", StringComparison.Ordinal))
        {
            clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30), app.Log);
            await Task.Delay(20, Cancel);
        }
        app.Log.Split('\n').Count(line => line.Contains($"({id})", StringComparison.Ordinal)).ShouldBe(1);
        app.Log.ShouldContain("permission denied");
    }
}
