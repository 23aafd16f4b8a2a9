using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Scheduling;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>What needs somebody, what failed and why, what runs tonight.</summary>
public sealed class OperatorTests(WebFixture web)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Home_says_whether_the_new_model_helped_by_how_much_and_whether_to_trust_it()
    {
        await using var page = await web.OpenAsync("vera");
        await page.Page.SetViewportSizeAsync(1280, 800);
        await page.GoAsync("/");
        var result = page.Page.Locator(".home-result", new() { HasText = "Spring deposits" });
        var value = await result.Locator(".verdict-value").InnerTextAsync();
        await Expect(result).ToContainTextAsync("interval");
        await Expect(result.Locator(".home-trust")).ToContainTextAsync("health checks");

        await result.GetByRole(AriaRole.Link, new() { Name = "Results of Spring deposits" }).ClickAsync();

        await Expect(page.Page.Locator(".verdict .verdict-value")).ToHaveTextAsync(value);
        // All three answers without a scroll: the verdict, its number with the interval, the health of the comparison.
        foreach (var answer in new[] { ".verdict h2", ".verdict .verdict-number", ".verdict + .notice" })
        {
            await Expect(page.Page.Locator(answer)).ToBeInViewportAsync(new() { Ratio = 1 });
        }

        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_failed_run_is_told_its_cause_is_shown_a_retry_mends_it_and_a_schedule_is_run_by_hand()
    {
        var file = Path.Combine(web.Exports, "late customers.csv");
        var queue = web.Services.GetRequiredService<JobQueue>();
        var audience = await web.Services.GetRequiredService<AudienceStore>().CreateAsync("Told of a failure", "customer_id", [new AudienceColumn("age", "number")], ["click"], simulated: true);
        var run = await queue.EnqueueAsync(new JobRequest("import", "told of a failure", new ImportRequest(audience, "customers", file), MaxAttempts: 1), Cancel);
        await queue.WaitAsync(run, Cancel);

        await using var page = await web.OpenAsync();
        await page.GoAsync("/");
        var need = page.Page.Locator(".notice-item", new() { HasText = $"Run {run} (import) failed" });
        await Expect(page.Page.Locator(".bell-count")).ToBeVisibleAsync();
        await need.GetByRole(AriaRole.Link, new() { Name = "Look at the run" }).ClickAsync();
        await Expect(page.Page.Locator(".notice.bad")).ToContainTextAsync("late customers.csv");
        await Expect(page.Page.Locator(".notice.bad")).ToContainTextAsync("What to do:");
        await File.WriteAllTextAsync(file, "customer_id,age\na,30\nb,40\n", Cancel);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Try again with 1 attempt" }).ClickAsync();

        await Expect(page.Page.Locator("h1 + p .chip")).ToHaveTextAsync("done");
        await Expect(page.Page.Locator("section:has(#made) a")).ToHaveTextAsync("late customers.csv");
        await Expect(page.Page.Locator("section:has(#attempts) tbody tr")).ToHaveCountAsync(2);
        await page.GoAsync("/");
        await Expect(need).ToHaveCountAsync(0);
        await page.Page.Locator(".bell").ClickAsync();
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("Notices");
        await Expect(need).ToHaveCountAsync(0);
        await page.GoAsync("/notices?show=all");
        await Expect(page.Page.Locator(".notice-item.resolved", new() { HasText = $"Run {run} (import) failed" })).ToContainTextAsync("its cause was gone");
        await RunScheduleAsync(page.Page, "outcome files");
        page.ShouldBeQuiet();
    }

    private static async Task RunScheduleAsync(IPage page, string schedule)
    {
        await page.GetByRole(AriaRole.Link, new() { Name = "Schedules" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = schedule }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Run it now" }).ClickAsync();
        await page.Locator("section:has(#firings) tbody tr").First.GetByRole(AriaRole.Link).ClickAsync();
        await Expect(page.Locator("h1 + p .chip")).ToHaveTextAsync("done");
    }

    [Fact]
    public async Task Runs_are_filtered_in_the_address_page_by_page_and_a_viewer_only_looks()
    {
        var queue = web.Services.GetRequiredService<JobQueue>();
        var id = 0L;
        for (var i = 0; i < 26; i++)
        {
            id = await queue.EnqueueAsync(new JobRequest("rare", $"filtered {i}", new { seed = 7 }), Cancel);
        }

        await using var page = await web.OpenAsync("vera");
        await page.GoAsync("/runs?kind=rare&state=queued&from=nonsense&page=0");
        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(25);
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Older" }).ClickAsync();
        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(1);
        page.Page.Url.ShouldEndWith("/runs?state=queued&kind=rare&page=2");
        var saved = await page.Page.RunAndWaitForDownloadAsync(() => page.Page.GetByRole(AriaRole.Button, new() { Name = "Save the tables of this page as CSV" }).ClickAsync());
        saved.SuggestedFilename.ShouldBe("runs.csv");
        var lines = await File.ReadAllLinesAsync(await saved.PathAsync(), Cancel);
        lines.Length.ShouldBe(2);
        lines[0].ShouldBe("Run,State,Progress,Took,Asked for");
        lines[1].ShouldMatch(@"^rare \d+,in the queue,");
        await page.GoAsync("/runs?kind=rare&state=failed");
        await Expect(page.Page.Locator(".empty h2")).ToHaveTextAsync("No run is like that");
        await page.GoAsync($"/runs/{id}");
        await Expect(page.Page.Locator("dl.facts")).ToContainTextAsync("Seed");
        await Expect(page.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel" })).ToHaveCountAsync(0);
        await Expect(page.Page.Locator("main")).Not.ToContainTextAsync("Arguments and result");

        await using var ada = await web.OpenAsync();
        await ada.GoAsync($"/runs/{id}");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel this run" }).ClickAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel the run" }).ClickAsync();
        await Expect(page.Page.Locator("h1 + p .chip")).ToHaveTextAsync("cancelled");
        await ada.GoAsync("/runs/999999999");
        await Expect(ada.Page.Locator(".message.failure h1")).ToHaveTextAsync("There is no run 999999999");
    }

    [Fact]
    public async Task A_schedule_is_added_shown_with_its_times_fired_by_hand_paused_and_removed()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync("/schedules/new");
        await page.Page.GetByLabel("Name").FillAsync("Sundays");
        await page.Page.GetByLabel("What it does").SelectOptionAsync("lift");
        await page.Page.GetByLabel("When").SelectOptionAsync("weekly");
        await page.Page.GetByLabel("Weekday").SelectOptionAsync("0");
        await page.Page.GetByLabel("Time zone").FillAsync("Mars/Olympus");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Add this schedule" }).ClickAsync();
        await Expect(page.Page.Locator(".run-error")).ToContainTextAsync("\"Mars/Olympus\" is no time zone");
        await page.Page.GetByLabel("Time zone").FillAsync("Europe/Berlin");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Add this schedule" }).ClickAsync();
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("Sundays");

        var schedule = await web.Services.GetRequiredService<ScheduleStore>().GetAsync("Sundays", Cancel);
        (schedule.Cron, schedule.TimeZone, schedule.MustSucceedWithin, schedule.ChangedBy).ShouldBe(("30 2 * * 0", "Europe/Berlin", TimeSpan.FromHours(170), "ada"));
        await Expect(page.Page.Locator("section:has(#next)")).ToContainTextAsync("none does now");
        // As the clock of a worker writes it.
        await web.Services.GetRequiredService<ScheduleOutlookStore>().SaveAsync(
            new ScheduleOutlook(schedule.Id, schedule.Version, [.. Enumerable.Range(0, 5).Select(week => new DateTime(2027, 3, 14, 1, 30, 0, DateTimeKind.Utc).AddDays(7 * week))], [], [], default), Cancel);
        await Expect(page.Page.Locator(".fire-times li")).ToHaveCountAsync(5);
        await Expect(page.Page.Locator(".fire-times li").First).ToContainTextAsync("Sun 14 Mar, 02:30 · 01:30 UTC");

        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Run it now" }).ClickAsync();
        await Expect(page.Page.Locator("section:has(#firings) tbody tr")).ToHaveCountAsync(1);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await Expect(page.Page.Locator("section:has(#next)")).ToContainTextAsync("Paused");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Remove…" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Remove it" }).ClickAsync();
        await page.Page.WaitForURLAsync("**/schedules");
        await Expect(page.Page.Locator("tbody")).ToContainTextAsync("lift reports");
        await Expect(page.Page.Locator("tbody")).Not.ToContainTextAsync("Sundays");

        var audited = await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(), 200, Cancel);
        audited.Where(entry => entry.ObjectKind == "schedule" && entry.ObjectId == $"{schedule.Id}" && entry.Actor == "user:ada").Select(entry => entry.Action)
            .ShouldBe(["schedule.remove", "schedule.change", "schedule.run-now", "schedule.add"]);
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Whoever_may_not_change_schedules_sees_them_and_no_button()
    {
        await using var page = await web.OpenAsync("vera");
        await page.GoAsync("/schedules/1");
        await Expect(page.Page.Locator(".page-head")).ToContainTextAsync("Your role shows schedules but changes none.");
        await Expect(page.Page.Locator("main button:not([data-tables-save])")).ToHaveCountAsync(0);
        await page.GoAsync("/schedules/new");
        await Expect(page.Page.Locator("main form")).ToHaveCountAsync(0);
        await page.GoAsync("/health");
        await Expect(page.Page.Locator("main")).ToContainTextAsync("Your role sees states");
        await Expect(page.Page.Locator("main")).Not.ToContainTextAsync(Environment.MachineName);
    }
}
