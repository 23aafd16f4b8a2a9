using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Web.Campaigns;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>A campaign's page, tab by tab: of the campaign that went through all stages, and of one that did not.</summary>
public sealed class CampaignTabsTests(WebFixture web)
{
    [Fact]
    public async Task Each_tab_has_an_address_and_says_what_its_part_of_the_campaign_came_to()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{web.Campaign}");
        await Expect(page.Page.Locator(".verdict-value")).ToBeVisibleAsync();
        await Expect(page.Page.Locator("table[aria-label='Delivered against budget'] tbody tr")).ToHaveCountAsync(6);
        await Expect(page.Page.Locator("table[aria-label='Delivered against budget'] tbody tr").First).ToContainTextAsync("300");

        await ChooseAsync(page, CampaignTab.Split);
        await Expect(page.Page.Locator("[data-figure$='balance'] svg[role=img]")).ToHaveAttributeAsync("aria-label", new System.Text.RegularExpressions.Regex("Largest difference before 0\\.\\d+, after 0\\.\\d+"));
        await Expect(page.Page.Locator("[data-figure$='salts'] tbody tr")).ToHaveCountAsync(20);
        await Expect(page.Page.Locator("[data-figure$='-scores'] svg[role=img]")).ToHaveCountAsync(2);

        await ChooseAsync(page, CampaignTab.Waves);
        var wave = page.Page.Locator("table[aria-label='Every wave and arm'] tbody tr").First;
        await Expect(wave).ToContainTextAsync("treatment");
        (await wave.Locator("td.number").AllInnerTextsAsync()).Take(3).ShouldBe(["300", "300", "0"]);

        await ChooseAsync(page, CampaignTab.Versions);
        await Expect(page.Page.Locator("table[aria-label='Models that scored'] tbody tr")).ToHaveCountAsync(2);
        await ChooseAsync(page, CampaignTab.Activity);
        await Expect(page.Page.Locator(".timeline")).ToContainTextAsync("campaign.create");
        await Expect(page.Page.Locator("table[aria-label='Newest runs']")).ToContainTextAsync("allocate");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_campaign_that_has_just_begun_says_what_is_next_on_every_tab()
    {
        var idle = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Just begun");
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{idle}");
        await Expect(page.Page.Locator("section[aria-labelledby=next-title]")).ToContainTextAsync("To the stage Scoring");
        await Expect(page.Page.Locator("#scoring")).ToBeVisibleAsync();
        await page.GoAsync($"/campaigns/{idle}/waves");
        await Expect(page.Page.Locator(".empty h2")).ToHaveTextAsync("No wave is published yet");
        await page.GoAsync($"/campaigns/{idle}/results");
        await Expect(page.Page.Locator(".empty h2")).ToHaveTextAsync("The lift is not measured yet");
        await Expect(page.Page.Locator("#lift .reason")).ToHaveTextAsync("Needs outcomes: they have not come back yet.");
        await page.GoAsync($"/campaigns/{idle}/nonsense");
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("A campaign has no page of this name");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Whoever_may_takes_a_list_and_the_page_says_who_did()
    {
        await web.AddUserAsync("marketerlists", Roles.Marketer);
        await using var scientist = await web.OpenAsync();
        await scientist.GoAsync($"/campaigns/{web.Campaign}/waves");
        await Expect(scientist.Page.Locator("#exporting .reason").First).ToContainTextAsync("Lists name people");
        await Expect(scientist.Page.Locator("#exporting a[download]")).ToHaveCountAsync(0);

        await using var page = await web.OpenAsync("marketerlists");
        await page.GoAsync($"/campaigns/{web.Campaign}/waves");
        var href = (await page.Page.Locator("#exporting a[download]").First.GetAttributeAsync("href"))!;
        (await scientist.Page.APIRequest.GetAsync(href)).Status.ShouldBe(403);
        var list = await page.Page.APIRequest.GetAsync(href);
        list.Status.ShouldBe(200);
        (await list.TextAsync()).Split('\n').Length.ShouldBeGreaterThan(100);
        var manifest = JsonNode.Parse(await (await page.Page.APIRequest.GetAsync(href + "/manifest")).TextAsync())!;

        await page.GoAsync($"/campaigns/{web.Campaign}/waves");
        await page.Page.Locator("#exporting details summary").First.ClickAsync();
        await Expect(page.Page.Locator("#exporting .timeline li").First).ToContainTextAsync($"{manifest["file"]}");
        await Expect(page.Page.Locator("#exporting .timeline li").First).ToContainTextAsync("user:marketerlists");
        (await page.Page.APIRequest.GetAsync(href.Replace("/a/", "/c/", StringComparison.Ordinal))).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Stopping_asks_first_and_is_offered_only_to_who_may()
    {
        var idle = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "To be stopped");
        await using (var viewer = await web.OpenAsync("vera"))
        {
            await viewer.GoAsync($"/campaigns/{idle}");
            await Expect(viewer.Page.Locator(".life .chip")).ToHaveTextAsync("draft");
            await Expect(viewer.Page.Locator(".life button")).ToHaveCountAsync(0);
        }
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{idle}");
        var stop = page.Page.Locator(".life").GetByRole(AriaRole.Button, new() { Name = "Stop for ever" });
        await stop.ClickAsync();
        await Expect(page.Page.GetByRole(AriaRole.Alertdialog)).ToContainTextAsync("\"To be stopped\" ends now");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Leave it as it is" }).ClickAsync();
        await Expect(page.Page.Locator(".life .chip")).ToHaveTextAsync("draft");

        await stop.ClickAsync();
        await page.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Stop for ever" }).ClickAsync();
        await Expect(page.Page.Locator(".life .chip")).ToHaveTextAsync("stopped");
        await Expect(page.Page.Locator(".life-said")).ToContainTextAsync("Stopped by ada");
        await page.GoAsync(CampaignTab.Results.Href(idle));
        await Expect(page.Page.Locator(".life-said")).ToContainTextAsync("Stopped by ada on ");
    }

    [Fact]
    public async Task Letters_of_every_figure_can_be_read_on_a_narrow_page()
    {
        await using var page = await web.OpenAsync();
        await page.Page.SetViewportSizeAsync(360, 800);
        foreach (var tab in new[] { CampaignTab.Split, CampaignTab.Results })
        {
            await page.GoAsync(tab.Href(web.Campaign));
            await Expect(page.Page.Locator(".plot svg").First).ToBeVisibleAsync();
            var smallest = await page.Page.EvaluateAsync<double>("""
                Math.min(...[...document.querySelectorAll('div.plot text, .forest text')].filter(text => text.textContent.trim()).map(text =>
                    parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getBoundingClientRect().width / text.ownerSVGElement.viewBox.baseVal.width))
                """);
            smallest.ShouldBeGreaterThanOrEqualTo(11);
        }
    }

    private static async Task ChooseAsync(WatchedPage page, CampaignTab tab)
    {
        await page.Page.Locator(".campaign-tabs").GetByRole(AriaRole.Link, new() { Name = tab.Name, Exact = true }).ClickAsync();
        await page.Page.WaitForURLAsync($"**/{tab.Address}");
        await Expect(page.Page.Locator(".campaign-tabs [aria-current=page]")).ToHaveTextAsync(tab.Name);
    }
}
