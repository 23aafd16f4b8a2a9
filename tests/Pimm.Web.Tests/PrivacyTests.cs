using Deque.AxeCore.Playwright;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Statistics;
using Pimm.Core.Suppressing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class PrivacyTests(WebFixture web)
{
    private const string Address = "/privacy";

    [Fact]
    public async Task A_person_is_looked_up_suppressed_and_erased_and_nothing_of_it_is_in_an_address()
    {
        await web.AddUserAsync("keeper", Roles.Administrator);
        var customer = CustomerHash.Of("c02999");
        await using var page = await web.OpenAsync("keeper");
        await page.GoAsync(Address);

        var look = page.Page.Locator("section[aria-labelledby=look-title]");
        await look.Locator("[data-person]").FillAsync("c02999");
        await look.GetByRole(AriaRole.Button, new() { Name = "Show what is known" }).ClickAsync();
        await Expect(look.Locator(".person")).ToContainTextAsync("Savers of the north");
        await Expect(look.Locator(".person")).ToContainTextAsync("Spring deposits");
        (await AuditedAsync("privacy.look", customer)).Actor.ShouldBe("user:keeper");

        var suppress = page.Page.Locator("section[aria-labelledby=suppress-title]");
        await suppress.GetByLabel("Known by").SelectOptionAsync("email");
        await suppress.Locator("[data-person]").FillAsync("not an address");
        await suppress.GetByLabel("Where it was said").FillAsync("a letter for the test of the page");
        await suppress.GetByRole(AriaRole.Button, new() { Name = "Suppress this person" }).ClickAsync();
        await Expect(suppress.GetByRole(AriaRole.Alert)).ToContainTextAsync("write it as name@example.com");
        await suppress.Locator("[data-person]").FillAsync("page.person@example.com");
        await suppress.GetByRole(AriaRole.Button, new() { Name = "Suppress this person" }).ClickAsync();
        await Expect(suppress.GetByRole(AriaRole.Status)).ToContainTextAsync("Suppressed from now on.");
        await Expect(page.Page.Locator("table[aria-label='Opt-outs that hold']")).ToContainTextAsync("a letter for the test of the page");

        (await page.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => $"{violation.Id}: {violation.Nodes[0].Html}").ShouldBeEmpty();
        new Uri(page.Page.Url).PathAndQuery.ShouldBe(Address);
        (await page.Page.ContentAsync()).ShouldNotContain("page.person@example.com");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task An_erasure_asks_first_and_says_what_became_of_each_store()
    {
        await web.AddUserAsync("eraser", Roles.Administrator);
        var reference = "privacy-page-person";
        using var worker = new SeededCampaign(web.Database, web.Exports).CreateHost("erase");
        await worker.StartAsync(TestContext.Current.CancellationToken);
        await using var page = await web.OpenAsync("eraser");
        await page.GoAsync(Address);

        var erase = page.Page.Locator("section[aria-labelledby=erase-title]");
        await erase.Locator("[data-person]").FillAsync(reference);
        await erase.GetByRole(AriaRole.Button, new() { Name = "Who would be erased?" }).ClickAsync();
        var button = erase.GetByRole(AriaRole.Button, new() { Name = "Erase for ever" });
        await Expect(button).ToBeDisabledAsync();
        await erase.GetByRole(AriaRole.Checkbox).CheckAsync();
        await button.ClickAsync();

        var row = page.Page.Locator("table[aria-label=Erasures] tbody tr", new() { HasText = CustomerHash.Of(reference).ToString()[..8] });
        await Expect(row.Locator(".chip")).ToHaveTextAsync("finished");
        await row.Locator("summary").ClickAsync();
        await Expect(row).ToContainTextAsync("identifiers: 0");
        (await AuditedAsync("erase.request", CustomerHash.Of(reference))).Actor.ShouldBe("user:eraser");
        (await web.Services.GetRequiredService<ErasureStore>().FindAsync(CustomerHash.Of(reference), TestContext.Current.CancellationToken))!.FinishedAt.ShouldNotBeNull();
        page.ShouldBeQuiet();
        await worker.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Who_may_not_keep_privacy_neither_sees_the_room_nor_its_page()
    {
        await using var page = await web.OpenAsync("ada");
        await page.GoAsync(Address);

        await Expect(page.Page.Locator(".empty")).ToContainTextAsync("Your role does not show this page");
        (await page.Page.Locator("form[class=privacy-form]").CountAsync()).ShouldBe(0);
        (await page.Page.Locator("nav a[href='/privacy']").CountAsync()).ShouldBe(0);
        page.ShouldBeQuiet();
    }

    private async Task<AuditEvent> AuditedAsync(string action, Guid customer) =>
        (await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Action: action, Object: $"customer:{customer}"), 1)).Single();
}
