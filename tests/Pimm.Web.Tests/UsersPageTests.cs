using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class UsersPageTests(WebFixture web)
{
    [Fact]
    public async Task An_administrator_adds_a_user_gives_roles_locks_and_deactivates_and_all_of_it_is_recorded()
    {
        await web.AddUserAsync("chief", Roles.Administrator);
        await using var page = await web.OpenAsync("chief");
        await page.GoAsync("/users?search=made-on-a-page");
        await Expect(page.Page.GetByText("No user is called “made-on-a-page”")).ToBeVisibleAsync();
        await page.Page.FillAsync("[name=name]", "bad name");
        await page.Page.ClickAsync("text=Create with a one-time password");
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("invalid");
        await page.Page.FillAsync("[name=name]", "made-on-a-page");
        await page.Page.ClickAsync("text=Create with a one-time password");
        var given = await page.Page.InnerTextAsync("[data-password]");
        await page.Page.ClickAsync("a.row-link:has-text('made-on-a-page')");
        await page.Page.Locator("label:has-text('Marketer') input").CheckAsync();
        await page.Page.ClickAsync("text=Save the roles");
        await Expect(page.Page.GetByText("The roles are saved.")).ToBeVisibleAsync();
        using (var session = new Session(web.Address))
        {
            (await session.SignInAsync("made-on-a-page", given)).Headers.Location!.OriginalString.ShouldEndWith("/sign-in/password");
        }
        foreach (var (begin, button, says) in new[] { ("Lock…", "Lock", "The account is locked."), ("Deactivate…", "Deactivate", "The user is deactivated.") })
        {
            await page.Page.GetByRole(AriaRole.Button, new() { Name = begin, Exact = true }).ClickAsync();
            await page.Page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();
            await Expect(page.Page.GetByText(says)).ToBeVisibleAsync();
        }
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Unlock", Exact = true }).ClickAsync();
        await Expect(page.Page.GetByText("The account is unlocked.")).ToBeVisibleAsync();
        using (var session = new Session(web.Address))
        {
            (await session.SignInAsync("made-on-a-page", given)).Headers.Location.ShouldBeNull("deactivated");
        }

        var id = page.Page.Url.Split('/')[^1];
        var recorded = await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Object: $"user:{id}", Actor: "user:chief"), 20, TestContext.Current.CancellationToken);
        recorded.Select(row => row.Action).ShouldBe(["user.unlock", "user.deactivate", "user.lock", "user.set-roles", "user.add"]);
        recorded.ShouldAllBe(row => !$"{row}".Contains(given));
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Whose_account_is_deactivated_is_refused_at_the_next_click_and_signed_out_soon_after()
    {
        await using var app = await PimmApp.StartAsync(web.Database, new Dictionary<string, string> { ["Access__RevalidationSeconds"] = "5" });
        await web.AddUserAsync("fired", Roles.Administrator);
        await web.AddUserAsync("not-fired", Roles.Administrator);
        await using var page = new WatchedPage(await (await web.Browser.NewContextAsync(new BrowserNewContextOptions { BaseURL = app.Address.ToString() })).NewPageAsync());
        await page.SignInAsync("fired", WebFixture.Password);
        using var session = await Session.OfAsync(app.Address, "fired");
        await page.GoAsync("/users");
        await page.Page.FillAsync("[name=name]", "never-made");
        await using (var scope = web.Services.CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<UserAdministration>().DeactivateAsync("fired", "user:not-fired");
        }

        await page.Page.ClickAsync("text=Create with a one-time password");

        var ended = "";
        for (var second = 0; second < 20 && ended.Length == 0; second++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
            ended = (await session.SendAsync(HttpMethod.Get, "/users")).Headers.Location?.OriginalString ?? "";
        }
        ended.ShouldContain("/sign-in", customMessage: "a session without a circuit ends as well");
        // Refused by the click itself, or by the page that has noticed before.
        await Expect(page.Page.GetByText("session has ended").First).ToBeVisibleAsync();
        await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in again" })).ToBeVisibleAsync(new() { Timeout = 20_000 });
        (await web.Services.GetRequiredService<UserListStore>().CountAsync("never-made", TestContext.Current.CancellationToken)).ShouldBe(0);
        for (var second = 0; second < 20 && !page.Page.Url.Contains("/sign-in"); second++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
            await page.Page.ReloadAsync();
        }
        page.Page.Url.ShouldContain("/sign-in", customMessage: "the cookie too is looked at anew every five seconds");
    }

    [Fact]
    public async Task The_last_administrator_stays_even_when_two_take_each_other_away_at_once()
    {
        await using var empty = await Testing.TestDatabase.MigratedAsync();
        using var host = new SeededCampaign(empty, "").CreateHost();
        await DoAsync(host.Services, users => users.AddAsync("one", Roles.Administrator, WebFixture.Password));
        foreach (var act in new Func<UserAdministration, Task>[]
                 {
                     users => users.DeactivateAsync("one"), users => users.LockAsync("one"), users => users.SetRolesAsync("one", [Roles.Viewer]), users => users.RemoveAsync("one"),
                 })
        {
            (await Should.ThrowAsync<InputException>(() => DoAsync(host.Services, act))).Message.ShouldContain("only administrator");
        }
        await DoAsync(host.Services, users => users.AddAsync("two", Roles.Administrator, WebFixture.Password));

        var both = await Task.WhenAll(new Func<UserAdministration, Task>[] { users => users.DeactivateAsync("one"), users => users.SetRolesAsync("two", [Roles.Viewer]) }.Select(async act =>
        {
            try
            {
                await DoAsync(host.Services, act);
                return "done";
            }
            catch (InputException refused)
            {
                return refused.Message;
            }
        }));

        both.Count(answer => answer == "done").ShouldBe(1, string.Join(" | ", both));
        (await host.Services.GetRequiredService<UserListStore>().ListAsync(cancellationToken: TestContext.Current.CancellationToken)).Count(user => user.Has(Roles.Administrator) && user.DeactivatedAt is null).ShouldBe(1);
    }

    private static async Task DoAsync(IServiceProvider services, Func<UserAdministration, Task> act)
    {
        await using var scope = services.CreateAsyncScope();
        await act(scope.ServiceProvider.GetRequiredService<UserAdministration>());
    }
}
