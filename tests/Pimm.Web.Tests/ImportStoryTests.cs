using System.Text;
using Microsoft.Playwright;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>A file's whole way through the pages, with a worker beside the app.</summary>
public sealed class ImportStoryTests(WebFixture web)
{
    [Fact]
    public async Task A_file_with_bad_rows_is_mapped_checked_applied_mended_and_undone()
    {
        await using var page = await web.OpenAsync();
        await SendAsync(page, "crm-export.csv", CustomerFile.Of(rows: 200, bad: 20));
        await MapAsync(page, "Story of the south");
        await page.Page.GetByLabel("Keep this mapping").CheckAsync();
        await page.Page.GetByLabel("Name of the template").FillAsync("CRM, monthly");
        await ButtonAsync(page, "Check all rows");

        // 10 % are bad: the page asks, and its button says what it would do.
        var apply = page.Page.GetByRole(AriaRole.Button, new() { Name = "Apply: 180 customers become version 1" });
        await Expect(apply).ToBeDisabledAsync();
        await Expect(page.Page.Locator("#bound")).ToContainTextAsync("20 of 200 rows (10.0 %) cannot be used");
        await Expect(page.Page.Locator("tbody tr").First).ToContainTextAsync("bad number");
        await Expect(page.Page.Locator(".rows-bar").First).ToHaveAttributeAsync("aria-label", "180 created, 0 updated, 0 skipped, 20 put aside");
        await page.Page.GetByLabel("Apply the other 180 rows").CheckAsync();
        await apply.ClickAsync();

        await page.Page.WaitForURLAsync(url => System.Text.RegularExpressions.Regex.IsMatch(url, @"/imports/\d+$"));
        await Expect(page.Page.Locator(".rows-bar").First).ToHaveAttributeAsync("aria-label", "180 created, 0 updated, 0 skipped, 20 put aside");
        await Expect(page.Page.Locator(".problems tbody tr")).ToHaveCountAsync(20);
        await Expect(page.Page.Locator(".problems tbody tr").First).ToContainTextAsync("Write the number as 1234.56");

        var first = page.Page.Url;
        var text = await DownloadAsync(page);
        text.ShouldStartWith("Customer ID;E-Mail;Age;City;Notes;pimm_error_line;pimm_error_code");
        // The row as it was sent, and behind it no value in clear.
        text.ShouldMatch("(?m)^k00001;person1@example[.]com;unknown;Bremen;;3;bad_number;Age;u•••[^;]*;");

        await ReplayAsync(page, text.Replace(";unknown;", ";44;", StringComparison.Ordinal));
        await Expect(page.Page.Locator(".rows-bar").First).ToHaveAttributeAsync("aria-label", "20 created, 0 updated, 0 skipped, 0 put aside");
        await Expect(page.Page.Locator("main")).ToContainTextAsync("Brings the mended bad rows of import");

        await UndoAsync(page, "Version 2 of Story of the south goes, and version 1 with 180 customers is the newest again.", "Remove version 2");
        await page.GoAsync(new Uri(first).AbsolutePath);
        await UndoAsync(page, "Version 1 of Story of the south goes, and the audience has no customers then.", "Remove version 1");
        await page.GoAsync("/imports?search=Story+of+the+south");
        await Expect(page.Page.Locator("tbody .chip")).ToHaveTextAsync(["undone", "undone"]);
        await Expect(page.Page.Locator("tbody tr").Last).ToContainTextAsync("template “CRM, monthly”");
        await page.GoAsync("/imports?search=Story+of+the+south&page=99");
        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(2);
        await page.GoAsync(new Uri(first).AbsolutePath + "?code=none&page=99");
        await Expect(page.Page.Locator(".problems tbody tr")).ToHaveCountAsync(20);
        await Expect(page.Page.Locator("main")).Not.ToContainTextAsync("came back, mended");

        // The numbers of versions that were undone do not come again.
        await SendAsync(page, "crm-export.csv", CustomerFile.Of(rows: 30, bad: 0));
        await page.Page.Locator("#audience").SelectOptionAsync(new SelectOptionValue { Label = "Story of the south (no customers yet)" });
        await ButtonAsync(page, "Check all rows");
        await ButtonAsync(page, "Apply: 30 customers become version 3");
        await Expect(page.Page.Locator(".page-head")).ToContainTextAsync("customers of Story of the south, version 3");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task What_is_chosen_before_another_look_at_the_file_is_drawn_is_kept()
    {
        await using var page = await web.OpenAsync();
        var late = TimeSpan.FromMilliseconds(300);
        await SlowCircuit.OfAsync(page.Page, late);
        await SendAsync(page, "hasty.csv", CustomerFile.Of(rows: 200, bad: 20));
        await Expect(page.Page.GetByLabel("What Customer ID is")).ToHaveValueAsync("key");
        await page.Page.Locator("#audience").SelectOptionAsync("");
        await page.Page.GetByLabel("Name of the new audience").FillAsync("Hasty of the south");

        // The server has looked by now, and the page cannot have heard of it.
        await Task.Delay(late * 1.7, TestContext.Current.CancellationToken);
        await page.Page.GetByLabel("Type of Age").SelectOptionAsync("number");
        await ButtonAsync(page, "Check all rows");

        await Expect(page.Page.GetByRole(AriaRole.Button, new() { Name = "Apply: 180 customers become version 1" })).ToBeDisabledAsync();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task The_same_file_again_is_said_to_be_known_and_its_mapping_is_as_last_time()
    {
        await using var page = await web.OpenAsync();
        var file = CustomerFile.Of(rows: 30, bad: 0, name: "again");
        for (var round = 0; round < 2; round++)
        {
            await SendAsync(page, "again.csv", file);
            if (round == 0)
            {
                await MapAsync(page, "Twice told");
                await page.Page.GetByLabel("Keep this mapping").CheckAsync();
                await page.Page.GetByLabel("Name of the template").FillAsync("Twice");
            }
            else
            {
                await Expect(page.Page.Locator(".notice").First).ToContainTextAsync("Mapped as last time");
                await page.Page.Locator("#audience").SelectOptionAsync(new SelectOptionValue { Label = "Twice told (30 customers, version 1)" });
            }

            await ButtonAsync(page, "Check all rows");
            var apply = page.Page.GetByRole(AriaRole.Button, new() { Name = "Apply: 30 customers become version" });
            await Expect(apply).ToBeEnabledAsync();
            await apply.ClickAsync();
            await Expect(page.Page.GetByText(round == 0 ? "Mapping used" : "This very file was imported before")).ToBeVisibleAsync();
        }

        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Outcomes_of_unknown_customers_are_found_when_they_are_applied_and_left_out_when_somebody_says_so()
    {
        await using var page = await web.OpenAsync();
        await SendAsync(page, "folk.csv", CustomerFile.Of(rows: 30, bad: 0, name: "folk"));
        await MapAsync(page, "Folk with outcomes");
        await ButtonAsync(page, "Check all rows");
        await ButtonAsync(page, "Apply: 30 customers become version 1");
        await Expect(page.Page.GetByText("Mapping used")).ToBeVisibleAsync();

        await SendAsync(page, "events.csv", Encoding.UTF8.GetBytes("event_id,kind,customer,campaign,wave,stage,occurred_at,amount\nf1,outcome,folk00001,,,,2026-05-01T10:00:00Z,10\nf2,outcome,folk00002,,,,2026-05-02T10:00:00Z,20\nf3,outcome,stranger,,,,2026-05-03T10:00:00Z,30\n"));
        await page.Page.Locator("[value=outcomes]").CheckAsync();
        await Expect(page.Page.GetByLabel("What kind is", new() { Exact = true })).ToHaveValueAsync("event-kind");
        await page.Page.Locator("#audience").SelectOptionAsync(new SelectOptionValue { Label = "Folk with outcomes (30 customers, version 1)" });
        await page.Page.GetByLabel("Source: who counted them").FillAsync("shop");
        await ButtonAsync(page, "Check all rows");
        await ButtonAsync(page, "Apply: 3 events are counted");
        await Expect(page.Page.Locator(".run-error")).ToContainTextAsync("1 of 3 rows (33.33 %) of events.csv cannot be used");
        await ButtonAsync(page, "Check again, to apply the rest without the bad rows");
        await ButtonAsync(page, "Apply: 3 events are counted");

        await Expect(page.Page.Locator(".rows-bar").First).ToHaveAttributeAsync("aria-label", "2 created, 0 updated, 0 skipped, 1 put aside");
        await Expect(page.Page.Locator(".problems tbody tr")).ToContainTextAsync("unknown_customer");
        page.ShouldBeQuiet();
    }

    internal static async Task SendAsync(WatchedPage page, string name, byte[] bytes)
    {
        await page.Page.GotoAsync("/imports/new");
        await page.Page.SetInputFilesAsync("#file", new FilePayload { Name = name, MimeType = "text/csv", Buffer = bytes });
        await page.Page.WaitForURLAsync("**/imports/new/*");
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
    }

    internal static async Task MapAsync(WatchedPage page, string audience)
    {
        await Expect(page.Page.GetByLabel("What Customer ID is")).ToHaveValueAsync("key");
        await Expect(page.Page.GetByLabel("What E-Mail is")).ToHaveValueAsync("identifier:email");
        await page.Page.Locator("#audience").SelectOptionAsync("");
        await page.Page.GetByLabel("Name of the new audience").FillAsync(audience);
        await page.Page.GetByLabel("Type of Age").SelectOptionAsync("number");
        await page.Page.GetByLabel("What Notes is").SelectOptionAsync("ignore");
    }

    internal static async Task ButtonAsync(WatchedPage page, string name)
    {
        var button = page.Page.GetByRole(AriaRole.Button, new() { Name = name });
        await Expect(button).ToBeEnabledAsync();
        await button.ClickAsync();
    }

    private static async Task<string> DownloadAsync(WatchedPage page)
    {
        var download = await page.Page.RunAndWaitForDownloadAsync(() => page.Page.GetByText("Download the bad rows").ClickAsync());
        return await File.ReadAllTextAsync((await download.PathAsync())!);
    }

    private static async Task ReplayAsync(WatchedPage page, string mended)
    {
        await page.Page.GetByText("Send the mended rows").ClickAsync();
        await page.Page.SetInputFilesAsync("#file", new FilePayload { Name = "mended.csv", MimeType = "text/csv", Buffer = Encoding.UTF8.GetBytes(mended) });
        await page.Page.WaitForURLAsync("**/imports/new/*");
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await ButtonAsync(page, "Check all rows");
        await ButtonAsync(page, "Apply: 20 customers are laid over version 1");
        await Expect(page.Page.GetByText("Mapping used")).ToBeVisibleAsync();
    }

    private static async Task UndoAsync(WatchedPage page, string effect, string button)
    {
        await ButtonAsync(page, "Undo this import…");
        await Expect(page.Page.Locator("#undo-title + div")).ToContainTextAsync(effect);
        await ButtonAsync(page, button);
        await Expect(page.Page.Locator(".page-head .chip")).ToHaveTextAsync("undone");
    }
}
