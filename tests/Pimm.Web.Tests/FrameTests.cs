using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Testing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>What is around every page: menu, keys, languages, and what happens to a form when the server goes.</summary>
public sealed class FrameTests(WebFixture web)
{
    [Fact]
    public async Task Keys_lead_to_rooms_and_search_and_leave_those_alone_who_type()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync("/campaigns");
        await page.Page.Keyboard.PressAsync("/");
        await Expect(page.Page.Locator("#search")).ToBeFocusedAsync();
        await page.Page.Keyboard.TypeAsync("gr?n");
        await Expect(page.Page.Locator("#search")).ToHaveValueAsync("gr?n");
        await page.Page.Locator("#search").BlurAsync();

        await page.Page.Keyboard.TypeAsync("gs");
        await page.Page.WaitForURLAsync("**/schedules");
        await Expect(page.Page.Locator("[data-key-new]")).ToBeVisibleAsync();
        await page.Page.Keyboard.PressAsync("?");
        await Expect(page.Page.Locator("dialog.keys")).ToBeVisibleAsync();
        await page.Page.Keyboard.PressAsync("Escape");
        await Expect(page.Page.Locator("dialog.keys")).ToBeHiddenAsync();
        await page.Page.Keyboard.PressAsync("n");
        await page.Page.WaitForURLAsync("**/schedules/new");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_link_that_is_clicked_while_its_page_comes_alive_is_followed()
    {
        await using var page = await web.OpenAsync();
        var (begun, clicked) = (new TaskCompletionSource(), new TaskCompletionSource());
        await page.Page.RouteWebSocketAsync(new Regex("/_blazor"), browser =>
        {
            var server = browser.ConnectToServer();
            var messages = 0;
            browser.OnMessage(async message =>
            {
                // The second, behind the handshake, says where the browser is; it reaches the server when it is there no more.
                if (Interlocked.Increment(ref messages) > 1)
                {
                    begun.TrySetResult();
                    await clicked.Task;
                }
                server.Send(message.Binary ?? []);
            });
        });
        await page.Page.GotoAsync("/campaigns");
        await begun.Task;
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Runs", Exact = true }).ClickAsync();
        await page.Page.WaitForURLAsync("**/runs");
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("Runs");
        clicked.SetResult();
        await page.Page.WaitForSelectorAsync(".shell[data-alive=yes]");

        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("Runs");
        new Uri(page.Page.Url).AbsolutePath.ShouldBe("/runs");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task On_a_narrow_screen_the_menu_opens_leads_and_closes()
    {
        await using var page = await web.OpenAsync();
        await page.Page.SetViewportSizeAsync(360, 740);
        foreach (var address in new[] { "/", "/runs", "/schedules", "/schedules/new", "/notices?show=all", "/health" })
        {
            await page.GoAsync(address);
            (await page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth")).ShouldBeLessThanOrEqualTo(360, address);
        }

        var toggle = page.Page.Locator("[data-nav-toggle]");
        await Expect(page.Page.Locator("#rooms")).ToBeHiddenAsync();
        await toggle.ClickAsync();
        await Expect(toggle).ToHaveAttributeAsync("aria-expanded", "true");
        await page.Page.Locator("#rooms").GetByRole(AriaRole.Link, new() { Name = "Runs" }).ClickAsync();
        await page.Page.WaitForURLAsync("**/runs");
        await Expect(page.Page.Locator("#rooms")).ToBeHiddenAsync();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Chinese_is_chosen_once_and_stays()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync("/");
        await page.Page.ClickAsync(".user-menu summary");
        await page.Page.ClickAsync("text=简体中文");
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("首页");
        await Expect(page.Page.Locator("html")).ToHaveAttributeAsync("lang", "zh-CN");

        await page.GoAsync("/runs");
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("运行");
        await Expect(page.Page.Locator("#rooms")).ToContainTextAsync("营销活动");
        await Expect(page.Page.Locator(".foot")).ToContainTextAsync("您的时钟时区为");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_form_outlives_a_server_that_is_killed_as_far_as_its_fields_are_kept()
    {
        await using var database = await TestDatabase.MigratedAsync();
        using var host = new SeededCampaign(database, web.Exports).CreateHost();
        var settings = new Dictionary<string, string> { ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{FreePort()}" };
        var app = await PimmApp.StartAsync(database, settings);
        await using var page = await web.OpenElsewhereAsync(app, host, "olga", Roles.Administrator);
        await page.GoAsync("/schedules/new");
        await page.Page.GetByLabel("Name").FillAsync("typed before the end");

        await app.DisposeAsync();
        await Expect(page.Page.Locator(".reconnect-card")).ToBeVisibleAsync();
        await using var again = await PimmApp.StartAsync(database, settings);

        await page.Page.WaitForSelectorAsync("[data-alive]", new() { Timeout = 60_000 });
        await Expect(page.Page.Locator(".reconnect-card")).ToBeHiddenAsync(new() { Timeout = 60_000 });
        await Expect(page.Page.GetByLabel("Name")).ToHaveValueAsync("typed before the end");
        await page.Page.GetByLabel("What it does").SelectOptionAsync("lift");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Add this schedule" }).ClickAsync();
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("typed before the end");
        (await page.Page.EvaluateAsync<int>("Object.keys(sessionStorage).filter(name => name.startsWith('pimm-draft ')).length")).ShouldBe(0);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
