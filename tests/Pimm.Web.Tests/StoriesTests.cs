using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>Whole ways of people through the pages, by their buttons alone, with a worker beside the app. The operator's is in <see cref="OperatorTests"/>.</summary>
[Collection(nameof(TrainedModels))]
public sealed partial class StoriesTests(TrainedModels models)
{
    private const int PerDay = 300;

    // What a worker does behind a button may take long on a slow machine.
    private static readonly LocatorAssertionsToContainTextOptions Worked = new() { Timeout = 120_000 };

    [Fact]
    public async Task A_marketer_defines_a_campaign_somebody_else_approves_it_it_runs_and_its_result_is_read()
    {
        var draw = await models.AddLineAsync("drawn by chance", "random");
        var first = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(1);
        await using var marketer = await models.OpenAsync("marketer");
        await DefineAsync(marketer.Page, "Autumn savers", draw, first);
        var campaign = new Uri(marketer.Page.Url).AbsolutePath;
        await Expect(marketer.Page.Locator(".life .chip")).ToHaveTextAsync("in review");

        await ApproveAsync("Autumn savers");

        await Expect(marketer.Page.Locator(".life .chip")).ToHaveTextAsync("approved");
        await marketer.Page.GetByRole(AriaRole.Button, new() { Name = "Run it every night" }).ClickAsync();
        await marketer.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Run it every night" }).ClickAsync();
        await Expect(marketer.Page.Locator(".life .chip")).ToHaveTextAsync("scheduled");
        foreach (var until in new[] { first.AddDays(1), first.AddDays(2) })
        {
            await RunTonightAsync(marketer.Page, campaign);
            await Expect(marketer.Page.Locator(".results-head")).ToContainTextAsync($"Counted as of {until.ToString("d MMM yyyy", CultureInfo.InvariantCulture)}", Worked);
            await Expect(marketer.Page.Locator(".results-head")).ToContainTextAsync("windows still open");
        }

        await RunTonightAsync(marketer.Page, campaign);
        await Expect(marketer.Page.Locator(".results-head")).ToContainTextAsync("all windows closed", Worked);
        await Expect(marketer.Page.Locator(".life .chip")).ToHaveTextAsync("completed");
        await ShowsResultAsync(marketer.Page);
        await marketer.Page.GetByRole(AriaRole.Link, new() { Name = "Waves & lists" }).ClickAsync();
        await Expect(marketer.Page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("Download") })).ToHaveCountAsync(4);
        marketer.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_data_scientist_brings_history_trains_compares_promotes_and_rolls_back()
    {
        await models.AddLineAsync("told in a story", "shared-bottom", train: false);
        await using var page = await models.OpenAsync("scientist");
        var card = page.Page.Locator(".champion.chosen");
        var versions = page.Page.Locator("table[aria-label='Versions of told in a story'] tbody tr");
        await OpenLineAsync(page);
        await Expect(card).ToContainTextAsync("this line has no champion");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Train a new version now" }).ClickAsync();
        await Expect(card).ToContainTextAsync("Version 1", Worked);

        await BringHistoryAsync(page);

        await OpenLineAsync(page);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Train a new version now" }).ClickAsync();
        await Expect(versions.First).ToContainTextAsync("Version 2", Worked);
        await Expect(card.Locator(".champion-version")).ToContainTextAsync("Version 1");
        await CompareAsync(page);

        var line = new Uri(page.Page.Url).PathAndQuery;
        await ModelsTests.ChangeAsync(page, line, "Promote version 2…", "Promote version 2", "two more months, and better on the same rows");
        await Expect(card.Locator(".champion-version")).ToContainTextAsync("Version 2");
        await Expect(card).ToContainTextAsync("“two more months, and better on the same rows”");
        await ModelsTests.ChangeAsync(page, line, "Roll back to version 1…", "Roll back to version 1", "the call centre asks for the old order");
        await Expect(card.Locator(".champion-version")).ToContainTextAsync("Version 1");
        await Expect(card).ToContainTextAsync("“the call centre asks for the old order”");
        page.ShouldBeQuiet();
    }

    private async Task DefineAsync(IPage page, string name, long control, DateOnly startsOn)
    {
        await page.GotoAsync("/campaigns");
        await page.GetByRole(AriaRole.Link, new() { Name = "New campaign" }).First.ClickAsync();
        await page.FillAsync("#name", name);
        await page.FillAsync("#windowDays", "14");
        await WizardTests.ContinueAsync(page, "Audience");
        await page.SelectOptionAsync("#audience", "market");
        await Expect(page.Locator(".funnel-count")).ToBeVisibleAsync();
        await WizardTests.ContinueAsync(page, "Budget and dates");
        await page.FillAsync("#impressionsPerDay", $"{PerDay}");
        await page.FillAsync("#startsOn", startsOn.ToString("O", CultureInfo.InvariantCulture));
        await page.FillAsync("#days", "2");
        await page.FillAsync("#timeZone", "UTC");
        await WizardTests.ContinueAsync(page, "Models");
        await page.SelectOptionAsync("#control", $"line:{control}");
        await page.SelectOptionAsync("#treatment", $"line:{models.Line}");
        await WizardTests.ContinueAsync(page, "Channel and export");
        await WizardTests.ContinueAsync(page, "Review and submit");
        await Expect(page.Locator(".wizard-checks .bad")).ToHaveCountAsync(0);
        var submit = page.Locator(".wizard-submit");
        await Expect(submit).ToContainTextAsync($"exports {PerDay} + {PerDay} people nightly");
        await submit.ClickAsync();
        await page.WaitForURLAsync(new Regex(@"/campaigns/\d+$"));
    }

    private async Task ApproveAsync(string name)
    {
        await using var approver = await models.OpenAsync("approver");
        await approver.GoAsync("/");
        await approver.Page.Locator(".notice-item", new() { HasText = name }).GetByRole(AriaRole.Link, new() { Name = "Decide" }).ClickAsync();
        await Expect(approver.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(name);
        await approver.Page.GetByLabel("Comment", new() { Exact = true }).FillAsync("As agreed");
        await approver.Page.GetByRole(AriaRole.Button, new() { Name = $"Approve: {PerDay} + {PerDay} customers a day" }).ClickAsync();
        await Expect(approver.Page.GetByRole(AriaRole.Link, new() { Name = "JSON" })).ToBeVisibleAsync();
        approver.ShouldBeQuiet();
    }

    private static async Task RunTonightAsync(IPage page, string campaign)
    {
        await page.GetByRole(AriaRole.Link, new() { Name = "What is here, and what you can try" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Run tonight now" }).ClickAsync();
        await Expect(page.Locator("p[role=status]")).ToContainTextAsync("The night has begun");
        await page.Locator($"main a[href='{campaign}']").ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Results", Exact = true }).ClickAsync();
    }

    /// <summary>The verdict, and the five numbers (of the increment both arms' and their ratio), each with its interval.</summary>
    private static async Task ShowsResultAsync(IPage page)
    {
        await Expect(page.Locator(".verdict h2")).ToHaveTextAsync(Verdicts());
        await Expect(page.Locator(".verdict + .notice")).ToContainTextAsync("health checks passed");
        await Expect(page.Locator(".verdict-number")).ToContainTextAsync(Interval());
        var numbers = page.Locator("table.numbers tbody tr");
        await Expect(numbers.Locator(".number-name")).ToHaveTextAsync(
        [
            "Extra core conversions per 1,000 impressions", "The same from the disagreement set", "Increment of the control's impressions",
            "Increment of the treatment's impressions", "Eligible lift", "Delivered lift", "Treatment's increment over control's",
        ]);
        foreach (var number in await numbers.AllAsync())
        {
            await Expect(number.Locator("td.number").Nth(1)).ToContainTextAsync(Interval());
        }
    }

    private static async Task OpenLineAsync(WatchedPage page)
    {
        await page.GoAsync("/models");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "told in a story" }).ClickAsync();
        await Expect(page.Page.Locator("#line-title")).ToHaveTextAsync("told in a story");
    }

    private async Task BringHistoryAsync(WatchedPage page)
    {
        await ImportStoryTests.SendAsync(page, "autumn-impressions.csv", await models.LaterHistoryAsync());
        await page.Page.Locator("[value=history]").CheckAsync();
        await page.Page.Locator("#audience").SelectOptionAsync(new SelectOptionValue { Label = "market (6,000 customers, version 1)" });
        await Expect(page.Page.GetByLabel("What customer is", new() { Exact = true })).ToHaveValueAsync("key");
        await Expect(page.Page.GetByLabel("What core_conversion is", new() { Exact = true })).ToHaveValueAsync("label:core_conversion");
        await Expect(page.Page.GetByLabel("What age is", new() { Exact = true })).ToHaveValueAsync("feature");
        await ImportStoryTests.ButtonAsync(page, "Check all rows");
        await ImportStoryTests.ButtonAsync(page, "Apply: 2,000 impressions join the history");
        await Expect(page.Page.Locator(".rows-bar").First).ToHaveAttributeAsync("aria-label", "2,000 created, 0 updated, 0 skipped, 0 put aside");
    }

    private static async Task CompareAsync(WatchedPage page)
    {
        var line = new Uri(page.Page.Url).PathAndQuery;
        await page.Page.GetByLabel("Compare version 1").CheckAsync();
        await page.Page.GetByLabel("Compare version 2").CheckAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Compare the chosen versions" }).ClickAsync();
        await page.Page.WaitForURLAsync("**/models/compare?*");
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Compare on common rows" }).ClickAsync();
        await Expect(page.Page.Locator("table[aria-label='On the same rows'] tbody tr").Nth(1)).ToContainTextAsync("…", Worked);
        await page.GoAsync(line);
    }

    [GeneratedRegex("Ship|Roll|Keep|told apart", RegexOptions.IgnoreCase)]
    private static partial Regex Verdicts();

    [GeneratedRegex(@" to [+−]?[\d∞]")]
    private static partial Regex Interval();
}
