using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class SignInTests(WebFixture web)
{
    [Fact]
    public async Task A_page_asks_for_the_sign_in_and_comes_back_after_it()
    {
        await using var page = await web.OpenAsync(user: null);
        await page.Page.GotoAsync($"/campaigns/{web.Campaign}");
        page.Page.Url.ShouldContain("/sign-in?ReturnUrl=");

        await page.TrySignInAsync("ada", WebFixture.Password);

        await page.Page.WaitForURLAsync($"**/campaigns/{web.Campaign}");
        await Expect(page.Page.Locator(".who-name")).ToHaveTextAsync("ada");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_name_get_the_same_answer()
    {
        await using var page = await web.OpenAsync(user: null);
        await page.Page.GotoAsync("/sign-in");
        await page.TrySignInAsync("vera", "not her password");
        var wrongPassword = await page.Page.GetByRole(AriaRole.Alert).InnerTextAsync();
        await page.TrySignInAsync("nobody-of-that-name", "not her password");
        await page.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);

        (await page.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldBe(wrongPassword);
        (await page.Page.Context.CookiesAsync()).ShouldNotContain(cookie => cookie.Name == "pimm");
    }

    [Fact]
    public async Task Five_wrong_passwords_lock_the_account_even_for_the_right_one()
    {
        await web.AddUserAsync("locked-out", Roles.Viewer);
        await using var page = await web.OpenAsync(user: null);
        await page.Page.GotoAsync("/sign-in");
        for (var attempt = 0; attempt < 5; attempt++)
        {
            await page.TrySignInAsync("locked-out", "not the password");
            await Expect(page.Page.Locator("#password")).ToHaveValueAsync("");
        }

        await page.TrySignInAsync("locked-out", WebFixture.Password);

        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        page.Page.Url.ShouldContain("/sign-in");
        (await RecordedAsync("locked-out")).ShouldBe(
        [
            (AuditActor.CommandLine, "user.add", null),
            .. Enumerable.Repeat(("anonymous", "sign-in.fail", (string?)"{\"reason\": \"wrong password\"}"), 5),
            ("anonymous", "sign-in.lock-out", null),
            ("anonymous", "sign-in.fail", "{\"reason\": \"locked\"}"),
        ]);
    }

    [Fact]
    public async Task Who_came_and_went_is_in_the_audit_log_and_what_a_stranger_typed_is_not()
    {
        await web.AddUserAsync("comes-and-goes", Roles.Viewer);
        await using var page = await web.OpenAsync(user: null);
        await page.Page.GotoAsync("/sign-in");
        await page.TrySignInAsync("my-password-by-mistake", "x");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await page.TrySignInAsync("comes-and-goes", WebFixture.Password);
        await page.Page.WaitForURLAsync(address => new Uri(address).AbsolutePath == "/");
        await page.SignOutAsync();

        (await RecordedAsync("comes-and-goes")).Select(entry => (entry.Actor, entry.Action)).ShouldBe(
            [(AuditActor.CommandLine, "user.add"), ("user:comes-and-goes", "sign-in.succeed"), ("user:comes-and-goes", "sign-in.end")]);
        var all = await web.Services.GetRequiredService<AuditLog>().StreamAsync(new AuditFilter(), TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        all.ShouldContain(row => row.Action == "sign-in.fail" && row.ObjectId == "" && row.Origin == "127.0.0.1");
        all.ShouldAllBe(row => !$"{row}".Contains("my-password-by-mistake"));
    }

    private async Task<List<(string Actor, string Action, string? After)>> RecordedAsync(string user)
    {
        await using var scope = web.Services.CreateAsyncScope();
        var id = (await scope.ServiceProvider.GetRequiredService<UserManager<AppUser>>().FindByNameAsync(user))!.Id;
        var rows = await web.Services.GetRequiredService<AuditLog>().StreamAsync(new AuditFilter(Object: $"user:{id}"), TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        return [.. rows.Select(row => (row.Actor, row.Action, row.Action == "user.add" ? null : row.After))];
    }

    [Fact]
    public async Task Signing_out_ends_the_session()
    {
        await using var page = await web.OpenAsync();
        await page.SignOutAsync();

        await page.Page.GotoAsync("/campaigns");

        page.Page.Url.ShouldContain("/sign-in");
    }

    [Fact]
    public async Task A_new_password_refuses_the_next_click_of_an_open_page()
    {
        await web.AddUserAsync("moved-on", Roles.Marketer);
        var idle = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Of somebody who moves on");
        await using var page = await web.OpenAsync("moved-on");
        await page.GoAsync($"/campaigns/{idle}");
        await using (var scope = web.Services.CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<UserAdministration>().ResetPasswordAsync("moved-on", null);
        }

        await page.Page.Locator("#scoring").GetByRole(AriaRole.Button, new() { Name = "Score all customers" }).ClickAsync();

        await Expect(page.Page.Locator("#scoring").GetByRole(AriaRole.Alert)).ToContainTextAsync("sign in again");
    }

    [Theory]
    [InlineData("/campaigns/7", "/campaigns/7")]
    [InlineData("//elsewhere.example", "/campaigns")]
    [InlineData("/\\elsewhere.example", "/campaigns")]
    [InlineData("https://elsewhere.example", "/campaigns")]
    [InlineData(null, "/campaigns")]
    public void Only_addresses_of_ours_are_gone_back_to(string? address, string expected) =>
        Security.LocalAddress.Or(address, "/campaigns").ShouldBe(expected);
}
