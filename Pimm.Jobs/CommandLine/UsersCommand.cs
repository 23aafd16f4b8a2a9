using System.CommandLine;
using Pimm.Core.Access;

namespace Pimm.Jobs.CommandLine;

/// <summary>users first-run, add, roles, reset-password, reset-two-factor, lock, unlock, deactivate, activate, remove, list: who may sign in to the pages.</summary>
public static class UsersCommand
{
    public static Command Create() => new("users", "who may sign in to the pages")
    {
        FirstRun(),
        Add(),
        SetRoles(),
        ResetPassword(),
        OnOne("reset-two-factor", "switch the second step off for who has lost the authenticator app and the recovery codes", (users, name) => users.ResetTwoFactorAsync(name)),
        OnOne("lock", "nobody signs in by this name until it is unlocked", (users, name) => users.LockAsync(name)),
        OnOne("unlock", "after a lock, or after too many wrong passwords", (users, name) => users.UnlockAsync(name)),
        OnOne("deactivate", "nobody signs in by this name any more; what the user did stays", (users, name) => users.DeactivateAsync(name)),
        OnOne("activate", "a deactivated user may sign in again", (users, name) => users.ActivateAsync(name)),
        OnOne("remove", "take a user away and end its sessions; deactivate keeps the name for who reads the audit log", (users, name) => users.RemoveAsync(name)),
        List(),
    };

    private static readonly Option<bool> Keep = new("--keep") { Description = "the generated password is good for more than one sign-in" };

    private static Command FirstRun() => new Command("first-run", "create the administrator \"admin\" if there is no user yet, and print its password this once")
    {
        Invocation.JsonOption,
    }.Does(async (invocation, cancellationToken) =>
    {
        var created = await invocation.Service<UserAdministration>().CreateFirstAsync(cancellationToken);
        invocation.Print(new { userName = created?.UserName, password = created?.Password }, lines =>
        {
            if (created is null)
            {
                lines.WriteLine("There are users already; pimm users list shows them, pimm users reset-password NAME helps who forgot.");
                return;
            }

            Show(lines, created);
        });
        return ExitCode.Done;
    });

    private static Command Add()
    {
        var name = new Argument<string>("name") { Description = "the name to sign in with" };
        var role = new Option<string>("--role") { Description = string.Join(", ", Roles.All), DefaultValueFactory = _ => Roles.Viewer };
        return new Command("add", "add a user with a generated one-time password, printed this once") { name, role, Keep, Invocation.JsonOption }
            .Does(async (invocation, _) =>
            {
                var created = await invocation.Service<UserAdministration>().AddAsync(
                    invocation.Arguments.GetRequiredValue(name), invocation.Arguments.GetRequiredValue(role), password: null, mustChange: !invocation.Arguments.GetValue(Keep));
                invocation.Print(new { created.UserName, created.Password }, lines => Show(lines, created));
                return ExitCode.Done;
            });
    }

    private static Command ResetPassword()
    {
        var name = new Argument<string>("name") { Description = "whose password" };
        return new Command("reset-password", "give a new generated one-time password, unlock the account and end its sessions") { name, Keep, Invocation.JsonOption }
            .Does(async (invocation, _) =>
            {
                var changed = await invocation.Service<UserAdministration>().ResetPasswordAsync(
                    invocation.Arguments.GetRequiredValue(name), password: null, mustChange: !invocation.Arguments.GetValue(Keep));
                invocation.Print(new { changed.UserName, changed.Password }, lines => Show(lines, changed));
                return ExitCode.Done;
            });
    }

    private static Command SetRoles()
    {
        var name = new Argument<string>("name") { Description = "whose roles" };
        var roles = new Argument<string[]>("roles") { Description = $"these and no others: {string.Join(", ", Roles.All)}", Arity = ArgumentArity.ZeroOrMore };
        return new Command("roles", "give a user other roles and end its sessions") { name, roles }
            .Does(async (invocation, _) =>
            {
                await invocation.Service<UserAdministration>().SetRolesAsync(invocation.Arguments.GetRequiredValue(name), invocation.Arguments.GetValue(roles) ?? []);
                return ExitCode.Done;
            });
    }

    private static Command OnOne(string verb, string description, Func<UserAdministration, string, Task> act)
    {
        var name = new Argument<string>("name") { Description = "the user's name" };
        return new Command(verb, description) { name }.Does(async (invocation, _) =>
        {
            await act(invocation.Service<UserAdministration>(), invocation.Arguments.GetRequiredValue(name));
            return ExitCode.Done;
        });
    }

    private static Command List() => new Command("list", "all users with their roles") { Invocation.JsonOption }
        .Does(async (invocation, cancellationToken) =>
        {
            var users = await invocation.Service<UserListStore>().ListAsync(cancellationToken: cancellationToken);
            invocation.Print(users, lines =>
            {
                foreach (var user in users)
                {
                    var state = user.StateAt(TimeProvider.System.GetUtcNow());
                    lines.WriteLine($"{user.UserName,-24} {user.Roles}{(state == "active" ? "" : $"  {state}")}{(user.TwoFactorEnabled ? "  second step" : "")}");
                }
            });
            return ExitCode.Done;
        });

    private static void Show(TextWriter lines, GeneratedPassword generated)
    {
        lines.WriteLine($"Name      {generated.UserName}");
        lines.WriteLine($"Password  {generated.Password}");
        lines.WriteLine("The password is stored nowhere and not shown again.");
    }
}
