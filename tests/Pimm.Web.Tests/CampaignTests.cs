using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Queueing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class CampaignTests(WebFixture web)
{
    [Fact]
    public async Task The_list_shows_the_campaign_with_its_progress_and_headline()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync("/campaigns?search=spring+dep");
        var row = page.Page.Locator("tbody tr");

        await Expect(row).ToHaveCountAsync(1);
        await Expect(row).ToContainTextAsync("Spring deposits");
        await Expect(row.Locator(".badge")).ToHaveTextAsync("simulated");
        await Expect(row.Locator(".steps")).ToHaveAttributeAsync("aria-label", "7 of 7 stages done");
        await Expect(row.Locator(".lift-cell")).ToContainTextAsync(" to ");
        await Expect(row.Locator(".version").First).ToHaveTextAsync("v1");
        page.ShouldBeQuiet();
        page.Hosts.ShouldBe([web.Address.Host]);
    }

    [Fact]
    public async Task The_list_is_read_page_by_page()
    {
        for (var i = 0; i < 21; i++)
        {
            await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, $"Turned {i:00}");
        }

        await using var page = await web.OpenAsync();
        await page.GoAsync("/campaigns?search=Turned");
        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(20);
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Older" }).ClickAsync();

        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(1);
        await Expect(page.Page.Locator("tbody tr")).ToContainTextAsync("Turned 00");
        await Expect(page.Page.Locator(".pager")).ToContainTextAsync("21–21 of 21");
    }

    [Fact]
    public async Task A_search_without_a_hit_says_so()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync("/campaigns?search=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E");

        await Expect(page.Page.Locator(".empty h2")).ToContainTextAsync("<img src=x onerror=alert(1)>");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task The_page_shows_seven_stages_and_what_each_has()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{web.Campaign}");

        (await page.Page.Locator(".rail-name").AllInnerTextsAsync()).ShouldBe(["Importing", "Training", "Scoring", "Allocating", "Exporting", "Outcomes", "Lift"]);
        await Expect(page.Page.Locator(".rail-step.done")).ToHaveCountAsync(7);
        await page.GoAsync($"/campaigns/{web.Campaign}/audience");
        await Expect(page.Page.Locator("#importing")).ToContainTextAsync("3,000 customers in version 1");
        await Expect(page.Page.Locator("#scoring")).ToContainTextAsync("3,000 customers scored by both models");
        await page.Page.ClickAsync(".rail a[href$='#training']");
        await Expect(page.Page.Locator("#training")).ToContainTextAsync("0.803");
        await page.GoAsync($"/campaigns/{web.Campaign}/split");
        await Expect(page.Page.Locator("#allocating tbody tr")).ToHaveCountAsync(3);
        await Expect(page.Page.Locator("#allocating .reason")).ToHaveTextAsync("All waves are published, and a published wave never changes.");
        await page.GoAsync($"/campaigns/{web.Campaign}/waves");
        await Expect(page.Page.Locator("#exporting tbody tr")).ToHaveCountAsync(6);
        await Expect(page.Page.Locator("#outcomes")).ToContainTextAsync("1,800 impressions reported as delivered");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_button_enqueues_once_however_often_it_is_pressed()
    {
        var idle = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Pressed twice");
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{idle}");
        var scoring = page.Page.Locator("#scoring");
        await scoring.GetByRole(AriaRole.Button, new() { Name = "Score all customers" }).DblClickAsync();

        await Expect(scoring.Locator(".panel-head .chip")).ToHaveTextAsync("in the queue");
        await Expect(scoring.Locator(".reason")).ToHaveTextAsync("It waits in the queue for a worker.");
        var runs = await web.Services.GetRequiredService<JobQueue>().ListAsync(idle);
        runs.ShouldHaveSingleItem().Kind.ShouldBe("score");

        await scoring.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(scoring.Locator(".panel-head .chip")).ToHaveTextAsync("cancelled");
        await Expect(scoring.GetByRole(AriaRole.Button, new() { Name = "Try again" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Progress_and_log_of_a_run_appear_while_another_process_writes_them()
    {
        var idle = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Live");
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{idle}");
        await using var connection = await web.Database.Owner.OpenConnectionAsync();
        var run = await connection.ExecuteScalarAsync<long>("""
            insert into job_run (kind, dedupe_key, arguments, campaign_id, state, attempt, fence, owner, lease_until, started_at)
            values ('score', 'live', '{}', @idle, 'running', 1, 1, 'a test', now() + interval '1 hour', now()) returning id
            """, new { idle });
        await Expect(page.Page.Locator("#scoring .panel-head .chip")).ToHaveTextAsync("running");

        await connection.ExecuteAsync("update job_run set progress = 0.37, progress_msg = '370 of 1,000 customers' where id = @run", new { run });
        await connection.ExecuteAsync("insert into job_run_log (run_id, fence, seq, level, message) values (@run, 1, 1, 'information', 'a line of the log')", new { run });

        await Expect(page.Page.Locator("#scoring .run-says")).ToContainTextAsync("37 % 370 of 1,000 customers");
        await Expect(page.Page.Locator("#scoring [role=progressbar]")).ToHaveAttributeAsync("aria-valuenow", "37");
        await Expect(page.Page.Locator("#scoring .run-log")).ToContainTextAsync("a line of the log");
        await Expect(page.Page.Locator(".rail-step.running .rail-state")).ToHaveTextAsync("running, 37 %");

        await connection.ExecuteAsync("update job_run set state = 'failed', error = 'The model has no weights: train it again.\nat X', lease_until = null, finished_at = now() where id = @run", new { run });
        await Expect(page.Page.Locator("#scoring .run-error")).ToHaveTextAsync("The model has no weights: train it again.");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_viewer_sees_everything_and_starts_nothing()
    {
        var idle = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Only looked at");
        await using var page = await web.OpenAsync("vera");
        await page.GoAsync($"/campaigns/{idle}");

        await Expect(page.Page.Locator("#scoring").GetByRole(AriaRole.Button, new() { Name = "Score all customers" })).ToBeDisabledAsync();
        await Expect(page.Page.Locator("#scoring .reason")).ToHaveTextAsync("Your role shows campaigns but starts nothing.");
    }

    [Fact]
    public async Task A_campaign_that_is_not_there_is_said_to_be_missing()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync("/campaigns/987654321");

        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("There is no campaign 987654321");
    }
}
