using System.Security.Claims;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Queueing;
using Pimm.Web.Security;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

public sealed class AccessTests(WebFixture web) : IAsyncDisposable
{
    private readonly AsyncServiceScope scope = web.Services.CreateAsyncScope();

    private UserAdministration Administration => scope.ServiceProvider.GetRequiredService<UserAdministration>();

    private UserManager<AppUser> Users => scope.ServiceProvider.GetRequiredService<UserManager<AppUser>>();

    [Fact]
    public async Task The_first_administrator_is_made_in_an_empty_installation_only()
    {
        await using var empty = await Testing.TestDatabase.MigratedAsync();
        using var host = new SeededCampaign(empty, "").CreateHost();
        await using var inside = host.Services.CreateAsyncScope();
        var administration = inside.ServiceProvider.GetRequiredService<UserAdministration>();

        var first = await administration.CreateFirstAsync();
        var second = await administration.CreateFirstAsync();

        first!.UserName.ShouldBe("admin");
        first.Password.Length.ShouldBe(20);
        second.ShouldBeNull();
        var users = inside.ServiceProvider.GetRequiredService<UserManager<AppUser>>();
        (await users.GetRolesAsync((await users.FindByNameAsync("ADMIN"))!)).ShouldBe([Roles.Administrator]);
        (await Should.ThrowAsync<InputException>(() => administration.RemoveAsync("admin"))).Message.ShouldContain("only administrator");
    }

    [Fact]
    public async Task Wrong_passwords_at_the_same_moment_are_all_counted()
    {
        await web.AddUserAsync("guessed-at", Roles.Viewer);
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
        {
            await using var attempt = web.Services.CreateAsyncScope();
            var users = attempt.ServiceProvider.GetRequiredService<UserManager<AppUser>>();
            await users.AccessFailedAsync((await users.FindByNameAsync("guessed-at"))!);
        }));

        (await Users.IsLockedOutAsync((await Users.FindByNameAsync("guessed-at"))!)).ShouldBeTrue();
    }

    // The guess had read the user before the password was changed and the door locked.
    [Fact]
    public async Task A_wrong_password_does_not_bring_back_what_was_changed_meanwhile()
    {
        await web.AddUserAsync("changing", Roles.Viewer);
        await using var guess = web.Services.CreateAsyncScope();
        var guessing = guess.ServiceProvider.GetRequiredService<UserManager<AppUser>>();
        var stale = (await guessing.FindByNameAsync("changing"))!;
        var user = (await Users.FindByNameAsync("changing"))!;
        var until = TimeProvider.System.GetUtcNow().AddHours(1);
        await Users.SetLockoutEndDateAsync(user, until);
        var changed = (await Users.FindByNameAsync("changing"))!.SecurityStamp;
        changed.ShouldNotBeNullOrEmpty();
        await Users.UpdateSecurityStampAsync(user);

        await guessing.AccessFailedAsync(stale);

        var now = (await Users.FindByNameAsync("changing"))!;
        now.LockoutEnd!.Value.ShouldBe(until, TimeSpan.FromSeconds(1));
        now.SecurityStamp.ShouldBe(user.SecurityStamp);
        now.SecurityStamp.ShouldNotBe(changed);
        now.AccessFailedCount.ShouldBe(1);
    }

    [Fact]
    public async Task A_new_password_unlocks_and_changes_the_stamp()
    {
        await web.AddUserAsync("forgetful", Roles.Viewer);
        var before = (await Users.FindByNameAsync("forgetful"))!;
        await Users.SetLockoutEndDateAsync(before, TimeProvider.System.GetUtcNow().AddHours(1));
        var stamp = before.SecurityStamp;

        var changed = await Administration.ResetPasswordAsync("forgetful", null);

        var after = (await Users.FindByNameAsync("forgetful"))!;
        (await Users.IsLockedOutAsync(after)).ShouldBeFalse();
        (await Users.CheckPasswordAsync(after, changed.Password)).ShouldBeTrue();
        after.SecurityStamp.ShouldNotBe(stamp);
    }

    [Theory]
    [InlineData("ada", "Viewer", "a long enough phrase", "already taken")]
    [InlineData("new-one", "Owner", "a long enough phrase", "no role 'Owner'")]
    [InlineData("new-one", "Viewer", "short", "at least 12 characters")]
    [InlineData("a b", "Viewer", "a long enough phrase", "invalid")]
    public async Task A_user_that_cannot_be_added_is_refused_in_one_sentence(string name, string role, string password, string expected) =>
        (await Should.ThrowAsync<InputException>(() => Administration.AddAsync(name, role, password))).Message.ShouldContain(expected);

    [Theory]
    [InlineData("vera", "Only Marketer, DataScientist")]
    [InlineData("nobody", "session has ended")]
    public async Task Work_is_refused_behind_the_page_too(string name, string expected)
    {
        var user = await Users.FindByNameAsync(name);
        var person = new ClaimsPrincipal(new ClaimsIdentity(
            [
                new(ClaimTypes.NameIdentifier, $"{user?.Id ?? 0}"),
                new(Users.Options.ClaimsIdentity.SecurityStampClaimType, user?.SecurityStamp ?? ""),
                new(ClaimTypes.Role, Roles.Administrator),
            ], "forged"));
        var actions = new RunActions(web.Services.GetRequiredService<JobQueue>(), new WorkPermit(Users, scope.ServiceProvider.GetRequiredService<AppUserStore>()), NullLogger<RunActions>.Instance);

        (await Should.ThrowAsync<InputException>(() => actions.EnqueueAsync(person, new JobRequest("score", "refused", new { }, web.Campaign)))).Message.ShouldContain(expected);
    }

    [Fact]
    public async Task Whose_click_started_cancelled_and_repeated_a_run_is_in_the_audit_log()
    {
        var user = (await Users.FindByNameAsync("ada"))!;
        var person = new ClaimsPrincipal(new ClaimsIdentity(
            [new(ClaimTypes.NameIdentifier, $"{user.Id}"), new(Users.Options.ClaimsIdentity.SecurityStampClaimType, user.SecurityStamp)], "test"));
        var actions = new RunActions(web.Services.GetRequiredService<JobQueue>(), new WorkPermit(Users, scope.ServiceProvider.GetRequiredService<AppUserStore>()), NullLogger<RunActions>.Instance);

        var run = await actions.EnqueueAsync(person, new JobRequest("nobody-takes-it", "clicked", new { }));
        (await actions.EnqueueAsync(person, new JobRequest("nobody-takes-it", "clicked", new { }))).ShouldBe(run, "a second click is the same run");
        await actions.CancelAsync(person, run);
        await actions.CancelAsync(person, run);
        await actions.RetryAsync(person, run);
        await actions.CancelAsync(person, run);

        var recorded = await web.Services.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Object: $"run:{run}"), 10, TestContext.Current.CancellationToken);
        recorded.Select(row => row.Action).ShouldBe(["run.cancel", "run.retry", "run.cancel", "run.enqueue"]);
        recorded.ShouldAllBe(row => row.Actor == "user:ada");
    }

    public ValueTask DisposeAsync() => scope.DisposeAsync();
}
