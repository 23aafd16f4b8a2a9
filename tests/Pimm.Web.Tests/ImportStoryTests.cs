using System.Diagnostics;
using System.Globalization;
using System.Text;
using Dapper;
using Microsoft.Extensions.Hosting;
using Microsoft.Playwright;
using Npgsql;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>A file's whole way through the pages, with a worker beside the app.</summary>
public sealed class ImportStoryTests(WebFixture web) : IAsyncLifetime
{
    private IHost worker = null!;

    public async ValueTask InitializeAsync() => worker = await web.StartImportWorkerAsync();

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

    [Fact]
    public async Task News_that_come_faster_than_they_are_read_do_not_keep_a_page_as_it_was()
    {
        await using var page = await web.OpenAsync();
        await CheckAsync(page, "news", 30, "Much told about");
        await worker.StopAsync(TestContext.Current.CancellationToken);
        await using var app = await web.Database.DataSource.OpenConnectionAsync(TestContext.Current.CancellationToken);

        // What is read after the click waits for one lock, what news begin to read later for the next.
        await using var first = await LockAsync();
        await ButtonAsync(page, "Apply: 30 customers become version 1");
        await WaitForApplyingAsync(app, page);
        await Task.Delay(500, TestContext.Current.CancellationToken);
        await WaitForReadersAsync(app, 1);
        var next = LockAsync();
        await WaitAsync(app, "select exists (select from pg_locks where relation = 'job_run_log'::regclass and mode = 'AccessExclusiveLock' and not granted)");
        var waiting = await app.ExecuteScalarAsync<int>(Waiting);
        await app.ExecuteAsync("update job_run set progress = 0.5 where id = (select apply_run_id from import_draft where id = @draft)", new { draft = DraftOf(page) });
        await WaitForReadersAsync(app, waiting + 1);
        await first.ExecuteAsync("rollback");

        await using var second = await next;
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("Applying");
        await WaitForReadersAsync(app, 1);
        await second.ExecuteAsync("rollback");
    }

    private static async Task CheckAsync(WatchedPage page, string name, int rows, string audience)
    {
        await SendAsync(page, $"{name}.csv", CustomerFile.Of(rows, bad: 0, name: name));
        await MapAsync(page, audience);
        await ButtonAsync(page, "Check all rows");
        await Expect(page.Page.GetByRole(AriaRole.Button, new() { Name = $"Apply: {rows} customers become version 1" })).ToBeEnabledAsync();
    }

    private async Task<NpgsqlConnection> LockAsync()
    {
        var connection = await web.Database.Owner.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await connection.ExecuteAsync("begin; set local lock_timeout = 0; lock table job_run_log in access exclusive mode", commandTimeout: 60);
        return connection;
    }

    private static long DraftOf(WatchedPage page) => long.Parse(new Uri(page.Page.Url).Segments[^1], CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_run_that_ends_while_its_page_reads_it_for_the_first_time_is_followed()
    {
        await using var page = await web.OpenAsync();
        await CheckAsync(page, "quick", 30, "Quicker than its page");
        await ButtonAsync(page, "Apply: 30 customers become version 1");
        await Expect(page.Page.GetByText("Mapping used")).ToBeVisibleAsync();
        await CheckAsync(page, "quick", 31, "Quicker than its page, twice");
        await worker.StopAsync(TestContext.Current.CancellationToken);

        await using var other = await web.Database.Owner.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using (var connection = await web.Database.Owner.OpenConnectionAsync(TestContext.Current.CancellationToken))
        await using (var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            // The page reads the run first and its log behind it.
            await connection.ExecuteAsync("lock table job_run_log in access exclusive mode", transaction: transaction);
            await ButtonAsync(page, "Apply: 31 customers become version 1");
            await WaitForApplyingAsync(other, page);
            await WaitForReadersAsync(other, 1);
            await other.ExecuteAsync("""
                update job_run set state = 'succeeded', progress = 1, finished_at = clock_timestamp(),
                       result = (select result from job_run where kind = 'import' and result->>'importFileId' is not null order by id desc limit 1)
                 where id = (select apply_run_id from import_draft where id = @draft)
                """, new { draft = DraftOf(page) });
            await WaitForReadersAsync(other, 2);
        }

        await Expect(page.Page.GetByText("Mapping used")).ToBeVisibleAsync();
    }

    private static Task WaitForApplyingAsync(NpgsqlConnection connection, WatchedPage page) =>
        WaitAsync(connection, "select exists (select from import_draft where id = @draft and apply_run_id is not null)", new { draft = DraftOf(page) });

    private const string Waiting = "select count(*) from pg_locks where relation = 'job_run_log'::regclass and not granted";

    private static Task WaitForReadersAsync(NpgsqlConnection connection, int readers) => WaitAsync(connection, $"select ({Waiting}) >= @readers", new { readers });

    private static async Task WaitAsync(NpgsqlConnection connection, string condition, object? parameters = null)
    {
        for (var clock = Stopwatch.StartNew(); !await connection.ExecuteScalarAsync<bool>(condition, parameters); await Task.Delay(20))
        {
            clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20), condition);
        }
    }

    public ValueTask DisposeAsync()
    {
        worker.Dispose();
        return ValueTask.CompletedTask;
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
