using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Access;
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
    }

    [Fact]
    public async Task Signing_out_ends_the_session()
    {
        await using var page = await web.OpenAsync();
        await page.Page.ClickAsync("text=Sign out");
        await page.Page.WaitForURLAsync("**/sign-in");

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
