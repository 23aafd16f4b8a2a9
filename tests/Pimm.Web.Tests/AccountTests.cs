using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Dapper;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class AccountTests(WebFixture web)
{
    private string Home => web.Address.ToString();

    [Fact]
    public async Task A_second_step_is_set_up_asked_for_and_good_once_and_a_recovery_code_opens_instead()
    {
        await web.AddUserAsync("two-step", Roles.Viewer);
        await using var page = await web.OpenAsync("two-step");
        await page.Page.GotoAsync("/account");
        await page.Page.ClickAsync("text=Set up the second step");
        await Expect(page.Page.Locator(".key-text")).ToBeVisibleAsync();
        await page.ShouldBeAccessibleAsync();
        var key = TimeCodes.KeyOf((await page.Page.InnerTextAsync(".key-text")).Replace(" ", "", StringComparison.Ordinal));
        (await page.Page.GetAttributeAsync("svg.qr path.qr-dots", "d"))!.Length.ShouldBeGreaterThan(2_000);
        await page.Page.FillAsync("[name='Confirm.Code']", "000000");
        await page.Page.ClickAsync("text=Switch the second step on");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("wrong or too old");
        var step = TimeCodes.StepAt(TimeProvider.System.GetUtcNow());
        await page.Page.FillAsync("[name='Confirm.Code']", TimeCodes.Of(key, step));
        await page.Page.ClickAsync("text=Switch the second step on");
        await Expect(page.Page.Locator(".recovery-codes code")).ToHaveCountAsync(RecoveryCodes.Count);
        var recovery = await page.Page.Locator(".recovery-codes code").AllInnerTextsAsync();
        await page.GoAsync("/campaigns");
        await Expect(page.Page.Locator(".who-name")).ToHaveTextAsync("two-step", new() { Timeout = 5_000 });

        using var session = new Session(web.Address);
        (await session.SignInAsync("two-step", WebFixture.Password)).Headers.Location!.OriginalString.ShouldEndWith("/sign-in/code");
        (await session.SendAsync(HttpMethod.Get, "/campaigns")).StatusCode.ShouldBe(System.Net.HttpStatusCode.Found, "a password alone opens nothing");
        (await CodeAsync(session, TimeCodes.Of(key, step))).ShouldBeNull("it was used to set the step up");
        var next = TimeCodes.Of(key, step + 1);
        (await CodeAsync(session, next)).ShouldBe(Home);
        using var again = new Session(web.Address);
        await again.SignInAsync("two-step", WebFixture.Password);
        (await CodeAsync(again, next)).ShouldBeNull("a code is good once");
        (await CodeAsync(again, recovery[0].ToUpperInvariant())).ShouldBe(Home);
        using var third = new Session(web.Address);
        await third.SignInAsync("two-step", WebFixture.Password);
        (await CodeAsync(third, recovery[0])).ShouldBeNull("so is a recovery code");

        await using var connection = await web.Database.Owner.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var stored = System.Text.Encoding.UTF8.GetString(await connection.ExecuteScalarAsync<byte[]?>("select authenticator_key from app_user where user_name = 'two-step'") ?? []);
        stored.ShouldNotContain(TimeCodes.KeyText(key));
        (await connection.ExecuteScalarAsync<long>("select count(*) from app_user_recovery_code c join app_user u on u.id = c.user_id where u.user_name = 'two-step'")).ShouldBe(RecoveryCodes.Count - 1);
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Wrong_codes_lock_like_wrong_passwords_even_with_the_password_in_between()
    {
        await web.AddUserAsync("guesses-codes", Roles.Viewer);
        await using var scope = web.Services.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<Microsoft.AspNetCore.Identity.UserManager<AppUser>>();
        var account = scope.ServiceProvider.GetRequiredService<OwnAccount>();
        var user = (await users.FindByNameAsync("guesses-codes"))!;
        await account.BeginTwoFactorAsync(user);
        var key = TimeCodes.KeyOf((await account.SetUpAsync(user))!.Key);
        await account.ConfirmTwoFactorAsync(user, TimeCodes.Of(key, TimeCodes.StepAt(TimeProvider.System.GetUtcNow())));
        using var session = new Session(web.Address);
        for (var attempt = 0; attempt < 5; attempt++)
        {
            await session.SignInAsync("guesses-codes", WebFixture.Password);
            (await CodeAsync(session, "not a code")).ShouldBeNull();
        }

        (await session.SignInAsync("guesses-codes", WebFixture.Password)).Headers.Location.ShouldBeNull("the account is locked");
        (await users.IsLockedOutAsync((await users.FindByNameAsync("guesses-codes"))!)).ShouldBeTrue();
        (await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Object: $"user:{user.Id}", Action: "sign-in.lock-out"), 5, TestContext.Current.CancellationToken)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Changing_the_password_asks_for_the_old_one_keeps_this_session_and_ends_the_others()
    {
        await web.AddUserAsync("changes-password", Roles.Viewer);
        await using var page = await web.OpenAsync("changes-password");
        using var other = await Session.OfAsync(web.Address, "changes-password");
        await page.Page.GotoAsync("/account");
        await ChangeAsync(page, "not the old one", "another long phrase");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The password is wrong");
        await ChangeAsync(page, WebFixture.Password, "another long phrase");
        await Expect(page.Page.Locator("p.notice[role=status]")).ToContainTextAsync("all other sessions have ended");

        await page.GoAsync("/campaigns");
        page.Page.Url.ShouldEndWith("/campaigns");
        (await other.SendAsync(HttpMethod.Get, "/account")).Headers.Location!.OriginalString.ShouldContain("/sign-in");
        using var fresh = new Session(web.Address);
        (await fresh.SignInAsync("changes-password", WebFixture.Password)).Headers.Location.ShouldBeNull();
        await page.Page.GotoAsync("/account");
        await page.Page.ClickAsync("text=Sign out everywhere");
        await page.Page.WaitForURLAsync("**/sign-in");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Who_was_given_a_password_chooses_another_and_whose_role_needs_a_second_step_sets_it_up_before_the_session_begins()
    {
        await using var app = await PimmApp.StartAsync(web.Database, new Dictionary<string, string> { ["Access__RequireTwoFactor"] = "DataScientist, marketer" });
        string given;
        await using (var scope = web.Services.CreateAsyncScope())
        {
            given = (await scope.ServiceProvider.GetRequiredService<UserAdministration>().AddAsync("newcomer", Roles.Marketer, null, mustChange: true)).Password;
        }
        await using var page = new WatchedPage(await (await web.Browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = app.Address.ToString() })).NewPageAsync());
        await page.Page.GotoAsync("/sign-in");
        await page.TrySignInAsync("newcomer", given);
        await page.Page.WaitForURLAsync("**/sign-in/password");
        await page.ShouldBeAccessibleAsync();
        await page.Page.FillAsync("#new-password", given);
        await page.Page.FillAsync("#again", given);
        await page.Page.ClickAsync("button[type=submit]");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("choose another one");
        await page.Page.FillAsync("#new-password", "a phrase of my own");
        await page.Page.FillAsync("#again", "a phrase of my own");
        await page.Page.ClickAsync("button[type=submit]");
        await page.Page.WaitForURLAsync("**/sign-in/two-factor");
        await page.Page.GotoAsync("/campaigns");
        page.Page.Url.ShouldContain("/sign-in");
        await page.Page.GotoAsync("/sign-in/two-factor");
        await page.Page.ClickAsync("text=Show the QR code");
        await Expect(page.Page.Locator(".key-text")).ToBeVisibleAsync();
        await page.ShouldBeAccessibleAsync();
        var key = TimeCodes.KeyOf((await page.Page.InnerTextAsync(".key-text")).Replace(" ", "", StringComparison.Ordinal));
        await page.Page.FillAsync("#code", TimeCodes.Of(key, TimeCodes.StepAt(TimeProvider.System.GetUtcNow())));
        await page.Page.ClickAsync("text=Switch on and sign in");
        await Expect(page.Page.Locator(".recovery-codes code")).ToHaveCountAsync(RecoveryCodes.Count);
        await page.ShouldBeAccessibleAsync();
        await page.Page.ClickAsync("text=I have noted them");
        await page.Page.WaitForURLAsync(address => new Uri(address).AbsolutePath == "/");
        await page.SignOutAsync();
        await page.TrySignInAsync("newcomer", "a phrase of my own");
        await page.Page.WaitForURLAsync("**/sign-in/code");
        await page.ShouldBeAccessibleAsync();
        page.ShouldBeQuiet();
    }

    /// <returns>where it leads; null: the code was refused</returns>
    private static async Task<string?> CodeAsync(Session session, string code) =>
        (await session.PostFormAsync("/sign-in/code", "code", new() { ["Input.Code"] = code })).Headers.Location?.OriginalString;

    private static async Task ChangeAsync(WatchedPage page, string old, string password)
    {
        await page.Page.FillAsync("[name='Change.Old']", old);
        await page.Page.FillAsync("[name='Change.New']", password);
        await page.Page.FillAsync("[name='Change.Again']", password);
        await page.Page.ClickAsync("text=Change the password");
    }
}
