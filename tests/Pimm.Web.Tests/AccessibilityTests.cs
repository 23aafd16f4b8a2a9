using Deque.AxeCore.Playwright;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Notifying;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

public sealed class AccessibilityTests(WebFixture web)
{
    [Theory]
    [InlineData("light")]
    [InlineData("dark")]
    public async Task Every_page_is_quiet_has_a_heading_and_nothing_serious_by_axe(string theme)
    {
        await web.AddUserAsync($"axe-{theme}", Roles.Administrator);
        await web.Services.GetRequiredService<WebhookAdministration>().AddAsync($"https://hooks.example.com/axe-{theme}", ["webhook.dead"], "user:root");
        await using var page = await web.OpenAsync($"axe-{theme}", theme);
        var found = new List<string>();
        foreach (var one in DocumentedPage.All.Where(one => !one.OnTheWay))
        {
            if (await one.AddressInAsync(web.Database.DataSource) is not { } address)
            {
                continue;
            }
            await page.Page.GotoAsync(address);
            await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
            if (await page.Page.Locator("h1").CountAsync() != 1)
            {
                found.Add($"{address}: {await page.Page.Locator("h1").CountAsync()} headings of the first level");
            }
            found.AddRange((await page.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical")
                .Select(violation => $"{address}: {violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}"));
        }

        found.ShouldBeEmpty();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Every_page_fits_a_narrow_screen()
    {
        await web.AddUserAsync("narrow", Roles.Administrator);
        await using var page = await web.OpenAsync("narrow");
        await page.Page.SetViewportSizeAsync(360, 740);
        var found = new List<string>();
        foreach (var one in DocumentedPage.All.Where(one => !one.OnTheWay))
        {
            if (await one.AddressInAsync(web.Database.DataSource) is { } address)
            {
                await page.Page.GotoAsync(address);
                var wide = await page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth");
                if (wide > 360)
                {
                    var widest = await page.Page.EvaluateAsync<string>("[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 361 && ![...function*() { for (let p = e.parentElement; p; p = p.parentElement) yield p; }()].some(p => p.tagName !== 'HTML' && p.tagName !== 'BODY' && getComputedStyle(p).overflowX !== 'visible')).slice(-3).map(e => `${e.tagName}.${e.getAttribute('class')} ${Math.round(e.getBoundingClientRect().right)}`).join('; ')");
                    found.Add($"{address} is {wide} px wide: {widest}");
                }
            }
        }

        found.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_first_paint_has_the_chosen_theme_and_the_button_changes_it_for_good()
    {
        await using var page = await web.OpenAsync(theme: "dark");
        await page.GoAsync("/campaigns");
        var dark = await BackgroundAsync(page);
        await page.Page.ClickAsync("[data-theme-toggle]");
        var light = await BackgroundAsync(page);
        await page.Page.ReloadAsync();

        (await BackgroundAsync(page)).ShouldBe(light);
        light.ShouldNotBe(dark);
        (await page.Page.GetAttributeAsync("html", "data-theme")).ShouldBe("light");
    }

    private static Task<string> BackgroundAsync(WatchedPage page) => page.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
}
