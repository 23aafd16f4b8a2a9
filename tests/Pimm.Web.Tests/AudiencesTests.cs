using Microsoft.Playwright;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class AudiencesTests(WebFixture web)
{
    [Fact]
    public async Task An_audience_is_found_and_shows_its_attributes_its_versions_and_where_it_is_used()
    {
        await using var page = await web.OpenAsync("vera");
        await page.GoAsync("/audiences?search=savers+of+the+NORTH");
        var row = page.Page.Locator("tbody tr");
        await Expect(row).ToHaveCountAsync(1);
        await Expect(row).ToContainTextAsync("simulated");
        await Expect(row).ToContainTextAsync("3,000");
        (await page.Page.Locator("main a.button.primary").CountAsync()).ShouldBe(0);
        await row.GetByRole(AriaRole.Link, new() { Name = "Savers of the north" }).ClickAsync();

        await page.Page.WaitForURLAsync("**/audiences/*");
        var attributes = page.Page.Locator("table[aria-label=Attributes] tbody tr");
        await Expect(attributes).ToHaveCountAsync(2);
        await Expect(attributes.First.GetByRole(AriaRole.Img)).ToHaveAttributeAsync("aria-label", new System.Text.RegularExpressions.Regex("^age from 18 to 77, in ten ranges: 10.%, "));
        await Expect(attributes.Nth(1).Locator(".value-bars li").First).ToContainTextAsync("Bremen");
        await Expect(attributes.Nth(1).Locator(".value-bars li").First).ToContainTextAsync("66.7 %");
        await Expect(page.Page.Locator("section[aria-labelledby=versions-title] tbody tr")).ToContainTextAsync("3,000");
        await Expect(page.Page.Locator("section[aria-labelledby=uses-title]")).ToContainTextAsync("Spring deposits");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task What_is_not_there_is_said()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync("/audiences?search=nobody+here");
        await Expect(page.Page.Locator(".empty")).ToContainTextAsync("No audience is called “nobody here”");
        await page.GoAsync("/audiences/999999");
        await Expect(page.Page.Locator(".failure")).ToContainTextAsync("There is no audience 999999");
        page.ShouldBeQuiet();
    }
}
