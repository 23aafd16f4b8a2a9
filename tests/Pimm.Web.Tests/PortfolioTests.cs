using Microsoft.Playwright;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class PortfolioTests(WebFixture web)
{
    [Fact]
    public async Task A_measured_campaign_stands_in_both_figures_and_leads_to_its_results()
    {
        await using var page = await web.OpenAsync("vera");
        await page.GoAsync("/portfolio");

        foreach (var figure in new[] { "portfolio-extra", "portfolio-delivered" })
        {
            (await page.Page.Locator($"[data-figure={figure}] svg[role=img]").GetAttributeAsync("aria-label"))!.ShouldContain("Spring deposits: ");
            await Expect(page.Page.Locator($"[data-figure={figure}] .plot-whisker").First).ToBeAttachedAsync();
        }
        var row = page.Page.Locator("table[aria-label=Campaigns] tbody tr", new() { HasText = "Spring deposits" });
        await Expect(row.Locator(".badge")).ToHaveTextAsync("simulated");
        await row.GetByRole(AriaRole.Link, new() { Name = "Spring deposits" }).ClickAsync();
        await page.Page.WaitForURLAsync($"**/campaigns/{web.Campaign}/results");
        await Expect(page.Page.Locator(".verdict-value")).ToBeVisibleAsync();
        page.ShouldBeQuiet();
    }
}
