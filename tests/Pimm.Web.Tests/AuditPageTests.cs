using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class AuditPageTests(WebFixture web)
{
    private const string Nasty = "<img src=x onerror=alert(1)>";

    [Fact]
    public async Task Entries_are_filtered_by_the_address_paged_compared_verified_and_their_names_are_text()
    {
        var log = web.Services.GetRequiredService<AuditLog>();
        for (var i = 0; i < 60; i++)
        {
            await log.AddAsync(new AuditEntry("user:pager", "audited.page", "thing", $"{i}"), TestContext.Current.CancellationToken);
        }
        await log.AddAsync(new AuditEntry($"user:{Nasty}", "audited.change", "thing", Nasty, new { name = "old", size = 1 }, new { name = Nasty, size = 1 }), TestContext.Current.CancellationToken);
        await web.AddUserAsync("auditor", Roles.Administrator);
        await using var page = await web.OpenAsync("auditor");
        await page.GoAsync("/audit?action=audited");
        await Expect(page.Page.GetByText("50 of 61 entries")).ToBeVisibleAsync();
        await page.Page.ClickAsync("summary:has-text('name, size')");
        await Expect(page.Page.Locator("del").First).ToHaveTextAsync("old");
        await Expect(page.Page.Locator("ins").First).ToHaveTextAsync(Nasty);
        (await page.Page.Locator(".audit-table img").CountAsync()).ShouldBe(0);
        await page.Page.ClickAsync("text=Older");
        await Expect(page.Page.GetByText("11 of 61 entries")).ToBeVisibleAsync();
        page.Page.Url.ShouldContain("action=audited&before=");
        await page.Page.ClickAsync("text=Verify the chain");
        await Expect(page.Page.GetByRole(AriaRole.Status)).ToContainTextAsync("every hash computed anew");
        await page.GoAsync("/audit?object=no-such-thing");
        await Expect(page.Page.GetByText("No entry fits the filter")).ToBeVisibleAsync();
        await page.GoAsync("/audit?from=yesterday");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("write the day as 2026-12-01");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task What_is_downloaded_is_the_filter_disarmed_and_recorded_itself_and_only_for_who_may()
    {
        var log = web.Services.GetRequiredService<AuditLog>();
        await log.AddAsync(new AuditEntry("user:=cmd()", "taken.one", "thing", "1"), TestContext.Current.CancellationToken);
        await log.AddAsync(new AuditEntry("user:b", "taken.other", "thing", "2"), TestContext.Current.CancellationToken);
        await web.AddUserAsync("takes-audit", Roles.Administrator);
        using var session = await Session.OfAsync(web.Address, "takes-audit");
        using var viewer = await Session.OfAsync(web.Address, "vera");

        using var answer = await session.SendAsync(HttpMethod.Get, "/audit/export.csv?action=taken.one");
        var lines = (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).TrimStart('\uFEFF').Split('\n', StringSplitOptions.RemoveEmptyEntries);

        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/csv");
        answer.Content.Headers.ContentDisposition!.FileName.ShouldBe("audit.csv");
        lines.Length.ShouldBe(2);
        lines[0].ShouldStartWith("id,at,actor");
        lines[1].ShouldContain("taken.one");
        (await session.SendAsync(HttpMethod.Get, "/audit/export.csv?to=never")).StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (await viewer.SendAsync(HttpMethod.Get, "/audit/export.csv")).Headers.Location!.OriginalString.ShouldContain("/problem/403");
        var recorded = await log.ListAsync(new AuditFilter(Actor: "user:takes-audit", Action: "audit.export"), 5, TestContext.Current.CancellationToken);
        recorded.ShouldHaveSingleItem().After!.ShouldContain("taken.one");
    }

    [Fact]
    public async Task A_log_longer_than_one_reading_comes_whole_and_in_order()
    {
        await using var database = await Testing.TestDatabase.MigratedAsync();
        using var host = new SeededCampaign(database, "").CreateHost();
        await using (var connection = await database.Owner.OpenConnectionAsync(TestContext.Current.CancellationToken))
        {
            await using var many = connection.CreateCommand();
            many.CommandText = "select add_audit_event('pimm', 'many.entry', 'thing', n::text, null, null, null) from generate_series(1, 5001) n";
            await many.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var rows = await host.Services.GetRequiredService<AuditLog>().StreamAsync(new AuditFilter(), TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

        rows.Select(row => row.Id).ShouldBe(Enumerable.Range(1, 5001).Select(id => (long)id));
    }
}
