using System.Net;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Web.Tests.Api;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class SettingsPageTests(WebFixture web)
{
    [Fact]
    public async Task What_is_set_is_shown_with_where_it_comes_from_and_without_secrets()
    {
        await web.AddUserAsync("setter", Roles.Administrator);
        await using var page = await web.OpenAsync("setter");
        await page.GoAsync("/settings");

        var text = await page.Page.InnerTextAsync("main");

        text.ShouldContain("environment Access__AttemptsPerMinute");
        text.ShouldContain("file appsettings.json");
        text.ShouldContain("Retention:RunLogDays");
        text.ShouldContain("Password=•••");
        var connection = new Npgsql.NpgsqlConnectionStringBuilder(web.Database.Environment["Database__ConnectionString"]);
        if (connection.Password is { Length: > 0 } password)
        {
            text.ShouldNotContain($"Password={password}");
        }
        Settings.SettingsRoom.Shown("Access:ClientSecret", "hush").ShouldBe("•••");
        Settings.SettingsRoom.Shown("Database:ConnectionString", "Host=h;Username=u;Password=hush").ShouldBe("Host=h;Port=5432;Database=;Username=u;Password=•••");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_key_is_made_with_scopes_shown_once_opens_the_api_and_is_revoked()
    {
        const string nasty = "push <img src=x onerror=alert(1)>";
        await web.AddUserAsync("key-maker", Roles.Administrator);
        await using var page = await web.OpenAsync("key-maker");
        await page.GoAsync("/settings/keys");
        await page.Page.FillAsync("[name=name]", nasty);
        await page.Page.ClickAsync("text=Make the key and show it once");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("A key without a scope opens nothing");
        await page.Page.CheckAsync("input[name=scope][value='campaigns:read']");
        await page.Page.ClickAsync("text=Make the key and show it once");
        var text = await page.Page.InnerTextAsync("[data-made-key]");
        using var client = new ApiClient(web.Address, text);
        (await client.SendAsync("GET", "/api/v1/campaigns")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.SendAsync("GET", "/api/v1/runs")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        await page.GoAsync("/settings/keys");
        (await page.Page.InnerTextAsync("main")).ShouldNotContain(text);
        var row = page.Page.Locator("tr", new() { HasText = nasty });
        await row.GetByText("Revoke…").ClickAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Revoke " }).First.ClickAsync();
        await Expect(row.GetByText("revoked")).ToBeVisibleAsync();
        (await client.SendAsync("GET", "/api/v1/campaigns")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_webhook_is_added_tested_and_taken_away_and_an_address_of_this_house_is_refused()
    {
        await web.AddUserAsync("hooker-up", Roles.Administrator);
        await using var page = await web.OpenAsync("hooker-up");
        await page.GoAsync("/settings/webhooks");
        await page.Page.FillAsync("[name=url]", "https://169.254.169.254/latest");
        await page.Page.CheckAsync("input[name=event][value='run.failed']");
        await page.Page.ClickAsync("text=Add the webhook");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("none of the public Internet");
        await page.Page.FillAsync("[name=url]", "https://pimm-hooks.invalid/page");
        await page.Page.ClickAsync("text=Add the webhook");
        await Expect(page.Page.Locator(".key-text")).ToContainTextAsync("whsec_");
        await page.Page.ClickAsync("text=Send a test");
        await page.Page.ClickAsync("text=Send a test now");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The test failed");
        await page.Page.ClickAsync("text=Take the webhook away…");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Take the webhook away", Exact = true }).ClickAsync();
        await page.Page.WaitForURLAsync("**/settings/webhooks");
        await Expect(page.Page.GetByText("pimm-hooks.invalid")).ToHaveCountAsync(0);
        page.ShouldBeQuiet();
    }
}
