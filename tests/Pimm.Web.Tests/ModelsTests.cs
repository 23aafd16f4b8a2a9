using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Pimm.Core.Auditing;
using Pimm.Core.Training;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>A data scientist's way: which is live and why, what is another one worth on the same rows, promote, roll back.</summary>
[Collection(nameof(TrainedModels))]
public sealed class ModelsTests(TrainedModels models)
{
    [Fact]
    public async Task Versions_are_compared_on_the_same_rows_promoted_and_rolled_back_with_a_reason()
    {
        await using var page = await models.OpenAsync();
        await page.GoAsync($"/models?line={models.Line}");
        var card = page.Page.Locator(".champion.chosen");
        var champion = (await models.Service<ModelStore>().ChampionAsync(models.Line))!;
        await Expect(card.Locator(".champion-version")).ToContainTextAsync($"Version {champion.Version}");
        await Expect(card.Locator("tbody tr")).ToHaveCountAsync(3);
        await Expect(page.Page.Locator("[data-figure] svg circle.plot-ring")).ToHaveCountAsync(1);

        await page.Page.GetByLabel("Compare version 1").CheckAsync();
        await page.Page.GetByLabel("Compare version 3").CheckAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Compare the chosen versions" }).ClickAsync();
        await page.Page.WaitForURLAsync("**/models/compare?*");
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await Expect(page.Page.Locator("main")).ToContainTextAsync("They were tested on different snapshots of rows");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Compare on common rows" }).ClickAsync();
        await Expect(page.Page.Locator("table[aria-label='On the same rows'] tbody tr")).ToHaveCountAsync(2, new() { Timeout = 60_000 });
        await Expect(page.Page.Locator("table[aria-label='On the same rows'] tbody tr").Nth(1)).ToContainTextAsync("…");
        await Expect(page.Page.Locator(".top-change")).ToContainTextAsync("of 600 are the same");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Show differences only" }).ClickAsync();
        await Expect(page.Page.Locator("main")).Not.ToContainTextAsync("shared-bottom");

        await ChangeAsync(page, $"/models?line={models.Line}", "Promote version 3…", "Promote version 3", "looks better on what it has not seen");
        await Expect(card.Locator(".champion-version")).ToContainTextAsync("Version 3");
        await ChangeAsync(page, $"/models?line={models.Line}", $"Roll back to version {champion.Version}…", $"Roll back to version {champion.Version}", "a click rate that nobody explains");
        await Expect(card.Locator(".champion-version")).ToContainTextAsync($"Version {champion.Version}");
        await Expect(card).ToContainTextAsync("“a click rate that nobody explains”");
        await Expect(page.Page.Locator("table[aria-label='Who promoted what'] tbody tr").First).ToContainTextAsync("rolled back from version 3");

        (await models.Service<ModelStore>().ChampionAsync(models.Line))!.Id.ShouldBe(champion.Id);
        var audited = await models.Service<AuditLog>().ListAsync(new AuditFilter(Object: $"model-line:{models.Line}"), 2, TestContext.Current.CancellationToken);
        audited.Select(row => (row.Action, row.Actor)).ShouldBe([("model.rollback", "user:scientist"), ("model.promote", "user:scientist")]);
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_version_shows_its_quality_its_judgement_where_it_comes_from_and_its_card()
    {
        await using var page = await models.OpenAsync("viewer");
        await page.GoAsync($"/models/versions/{models.Versions[1]}");

        await Expect(page.Page.Locator("table[aria-label='Quality on the test rows'] tbody tr")).ToHaveCountAsync(3);
        await Expect(page.Page.GetByRole(AriaRole.Img, new() { NameString = "Calibration of click" })).ToBeVisibleAsync();
        await Expect(page.Page.GetByRole(AriaRole.Img, new() { NameString = "Gain of core_conversion by tenths" })).ToBeVisibleAsync();
        await Expect(page.Page.Locator(".conditions li").First).ToBeVisibleAsync();
        (await page.Page.Locator(".lineage a[href^='/imports/']").CountAsync()).ShouldBe(1);
        (await page.Page.Locator(".lineage a[href^='/runs/']").CountAsync()).ShouldBe(1);

        var download = await page.Page.RunAndWaitForDownloadAsync(() => page.Page.GetByText("Model card (Markdown)").ClickAsync());
        var card = await File.ReadAllTextAsync((await download.PathAsync())!, TestContext.Current.CancellationToken);
        card.ShouldStartWith("# shared-bottom, seed 1");
        card.ShouldContain("](data:image/svg+xml;base64,");
        card.ShouldNotContain("-calibration-1.svg)");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task What_cannot_be_compared_is_refused_with_its_reason_and_who_may_not_promote_sees_no_button()
    {
        await using var page = await models.OpenAsync("viewer");
        foreach (var (asked, reason) in new[]
        {
            ("", "0 versions are chosen: choose 2 to 5."),
            ($"{models.Versions[0]}", "1 versions are chosen: choose 2 to 5."),
            ($"{models.Versions[0]},{models.Versions[0]}", "is chosen twice"),
            ($"{models.Versions[0]},{models.Yardstick}", "learned from another audience"),
            ("1,two", "\"two\" is no number of a version"),
            ("1,999999", "There is no model version 999999."),
        })
        {
            await page.GoAsync($"/models/compare?versions={asked}");
            await Expect(page.Page.Locator(".empty")).ToContainTextAsync(reason);
        }

        await page.GoAsync($"/models?line={models.Line}");
        await Expect(page.Page.Locator("tbody tr.champion-row")).ToHaveCountAsync(1);
        (await page.Page.GetByText("Promote version").CountAsync()).ShouldBe(0);
        (await page.Page.GetByText("Roll back to").CountAsync()).ShouldBe(0);
        (await page.Page.GetByText("Train a new version").CountAsync()).ShouldBe(0);
        await page.GoAsync("/models?search=no+such+line");
        await Expect(page.Page.Locator(".empty")).ToContainTextAsync("No line or audience is called “no such line”");
        await page.GoAsync("/models/versions/999999");
        await Expect(page.Page.Locator(".failure")).ToContainTextAsync("There is no version 999999");
        page.ShouldBeQuiet();
    }

    [Theory]
    [InlineData("light")]
    [InlineData("dark")]
    public async Task Axe_finds_nothing_serious(string theme)
    {
        await using var page = await models.OpenAsync(theme: theme);
        foreach (var path in new[] { $"/models?line={models.Line}", $"/models/versions/{models.Versions[1]}", $"/models/compare?versions={models.Versions[0]},{models.Versions[1]}", $"/audiences/{models.Audience}" })
        {
            await page.GoAsync(path);
            (await page.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical")
                .Select(violation => $"{path} {violation.Id}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}").ShouldBeEmpty();
        }
        page.ShouldBeQuiet();
    }

    internal static async Task ChangeAsync(WatchedPage page, string path, string asks, string does, string reason)
    {
        await page.GoAsync(path);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = asks }).ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await Expect(dialog).ToContainTextAsync("Whoever is scored from now on is scored by it.");
        await Expect(dialog.GetByRole(AriaRole.Button, new() { Name = does, Exact = true })).ToBeDisabledAsync();
        await dialog.Locator("#reason").FillAsync(reason);
        await dialog.GetByRole(AriaRole.Button, new() { Name = does, Exact = true }).ClickAsync();
        await Expect(page.Page.Locator(".notice[role=status]")).ToContainTextAsync("is the champion now.");
    }
}
