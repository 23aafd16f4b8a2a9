using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

public sealed class AccessibilityTests(WebFixture web)
{
    public static TheoryData<string, string> Pages => new()
    {
        { "/sign-in", "light" }, { "/sign-in", "dark" },
        { "/campaigns?search=spring", "light" }, { "/campaigns?search=spring", "dark" },
        { "/campaigns/{id}", "light" }, { "/campaigns/{id}", "dark" },
        { "/models", "light" }, { "/models", "dark" },
        { "/audiences?search=savers", "light" }, { "/audiences?search=savers", "dark" },
        { "/campaigns/{id}/audience", "light" }, { "/campaigns/{id}/audience", "dark" },
        { "/campaigns/{id}/split", "light" }, { "/campaigns/{id}/split", "dark" },
        { "/campaigns/{id}/waves", "light" }, { "/campaigns/{id}/waves", "dark" },
        { "/campaigns/{id}/results", "light" }, { "/campaigns/{id}/results", "dark" },
        { "/campaigns/{id}/versions", "light" }, { "/campaigns/{id}/versions", "dark" },
        { "/campaigns/{id}/activity", "light" }, { "/campaigns/{id}/activity", "dark" },
        { "/portfolio", "light" }, { "/portfolio", "dark" },
        { "/help", "light" }, { "/help", "dark" },
    };

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Axe_finds_nothing_serious(string path, string theme)
    {
        await using var page = await web.OpenAsync(path == "/sign-in" ? null : "ada", theme);
        await page.Page.GotoAsync(path.Replace("{id}", $"{web.Campaign}", StringComparison.Ordinal));
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);

        var result = await page.Page.RunAxe();

        result.Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}").ShouldBeEmpty();
        page.ShouldBeQuiet();
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
