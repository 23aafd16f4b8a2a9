using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class ApprovalPagesTests(WebFixture web)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ApprovalDesk Desk => web.Services.GetRequiredService<ApprovalDesk>();

    [Fact]
    public async Task Somebody_else_finds_a_submission_sees_what_it_says_and_approves_it()
    {
        await web.AddUserAsync("mara-approves", Roles.Marketer);
        var id = await NewAsync("To be approved");
        await using var page = await web.OpenAsync("mara-approves");
        await page.GoAsync("/approvals");
        var row = page.Page.GetByRole(AriaRole.Row, new() { Name = "To be approved" });
        await Expect(row).ToHaveCountAsync(0);
        // The list hears of it by itself.
        await Desk.SubmitAsync(id, "user:ada", "as agreed", Cancel);
        await row.GetByRole(AriaRole.Link).ClickAsync();

        await Expect(page.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("To be approved");
        await Expect(page.Page.Locator("p.notice").GetByText("as agreed")).ToBeVisibleAsync();
        await Expect(page.Page.GetByText("300 customers in each of two arms")).ToBeVisibleAsync();
        await Expect(page.Page.GetByRole(AriaRole.Row, new() { Name = "Held back 10" })).ToBeVisibleAsync();
        var approve = page.Page.GetByRole(AriaRole.Button, new() { Name = "Approve: 300 + 300 customers a day" });
        await Expect(page.Page.GetByRole(AriaRole.Button, new() { Name = "Request changes" })).ToBeDisabledAsync();
        await page.Page.GetByLabel("Comment", new() { Exact = true }).FillAsync("Read and understood");
        await approve.ClickAsync();

        await Expect(approve).ToHaveCountAsync(0);
        var record = page.Page.GetByRole(AriaRole.Link, new() { Name = "JSON" });
        await Expect(record).ToBeVisibleAsync();
        var json = await (await page.Page.APIRequest.GetAsync(new Uri(web.Address, await record.GetAttributeAsync("href")).ToString())).TextAsync();
        var decision = (await web.Services.GetRequiredService<SubmissionStore>().DecisionsAsync(id, Cancel)).ShouldHaveSingleItem();
        (decision.DecidedBy, decision.Comment, json).ShouldBe(("user:mara-approves", "Read and understood", decision.Record));
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task An_author_sees_why_not_and_whoever_may_not_approve_sees_who_may()
    {
        await web.AddUserAsync("otto", Roles.Marketer);
        var id = await NewAsync("Own work");
        await Desk.SubmitAsync(id, "user:otto", null, Cancel);
        await using var author = await web.OpenAsync("otto");
        await author.GoAsync($"/approvals/{id}");
        await Expect(author.Page.GetByText("You are the submitter of this campaign: somebody else decides.")).ToBeVisibleAsync();
        await Expect(author.Page.GetByRole(AriaRole.Button, new() { Name = "Approve" })).ToHaveCountAsync(0);
        await using var scientist = await web.OpenAsync("ada");
        await scientist.GoAsync($"/approvals/{id}");
        await Expect(scientist.Page.GetByText("Only Marketer, Administrator may approve campaigns.")).ToBeVisibleAsync();

        await author.Page.GetByRole(AriaRole.Button, new() { Name = "Withdraw, to change it" }).ClickAsync();
        await Expect(author.Page.GetByRole(AriaRole.Button, new() { Name = "Submit for approval" })).ToBeVisibleAsync();
        await scientist.GoAsync("/approvals/987654");
        await Expect(scientist.Page.GetByText("There is no campaign 987654.")).ToBeVisibleAsync();
        author.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_change_after_an_approval_is_marked_beside_what_was_approved()
    {
        var id = await NewAsync("Changed after approval");
        await SeededCampaign.ApproveAsync(web.Services, id);
        var definition = (await web.Services.GetRequiredService<DefinitionStore>().FindAsync(id, Cancel))!;
        (await web.Services.GetRequiredService<CampaignDrafts>().ReplaceAsync(id, definition.Tag, definition.File with { ImpressionsPerDay = 250 }, "user:ada", Cancel)).Outcome.ShouldBe(DraftOutcome.Changed);
        await Desk.SubmitAsync(id, "user:ada", null, Cancel);

        await using var page = await web.OpenAsync();
        await page.GoAsync($"/approvals/{id}");

        await Expect(page.Page.Locator("tr.changed")).ToHaveCountAsync(1);
        await Expect(page.Page.Locator("tr.changed")).ToContainTextAsync("250");
        await Expect(page.Page.Locator("tr.changed del")).ToHaveTextAsync("300");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Where_approvals_are_off_every_page_says_so_and_the_audit_log_does()
    {
        await using var elsewhere = await PimmApp.StartAsync(web.Database, new Dictionary<string, string> { ["Approval__Required"] = "false" });
        using var host = new SeededCampaign(web.Database, web.Exports).CreateHost();
        await using var page = await web.OpenElsewhereAsync(elsewhere, host, "solo", Roles.Administrator);
        foreach (var address in (string[])["/campaigns", "/approvals"])
        {
            await page.GoAsync(address);
            await Expect(page.Page.GetByText("Approvals are switched off")).ToBeVisibleAsync();
        }
        await using var connection = await web.Database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<long>("select count(*) from audit_event where action = 'approval.not-required' and object_id = 'Approval:Required'")).ShouldBeGreaterThan(0);
    }

    private Task<long> NewAsync(string name) => SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, name);
}
