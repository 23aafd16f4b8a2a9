using System.CommandLine;
using Pimm.Core.Access;

namespace Pimm.Jobs.CommandLine;

/// <summary>users first-run, add, reset-password, remove, list: who may sign in to the pages.</summary>
public static class UsersCommand
{
    public static Command Create() => new("users", "who may sign in to the pages")
    {
        FirstRun(),
        Add(),
        ResetPassword(),
        Remove(),
        List(),
    };

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
        return new Command("add", "add a user with a generated password, printed this once") { name, role, Invocation.JsonOption }
            .Does(async (invocation, _) =>
            {
                var created = await invocation.Service<UserAdministration>().AddAsync(
                    invocation.Arguments.GetRequiredValue(name), invocation.Arguments.GetRequiredValue(role), password: null);
                invocation.Print(new { created.UserName, created.Password }, lines => Show(lines, created));
                return ExitCode.Done;
            });
    }

    private static Command ResetPassword()
    {
        var name = new Argument<string>("name") { Description = "whose password" };
        return new Command("reset-password", "give a new generated password, unlock the account and end its sessions") { name, Invocation.JsonOption }
            .Does(async (invocation, _) =>
            {
                var changed = await invocation.Service<UserAdministration>().ResetPasswordAsync(invocation.Arguments.GetRequiredValue(name), password: null);
                invocation.Print(new { changed.UserName, changed.Password }, lines => Show(lines, changed));
                return ExitCode.Done;
            });
    }

    private static Command Remove()
    {
        var name = new Argument<string>("name") { Description = "who is to go" };
        return new Command("remove", "take a user away and end its sessions") { name }
            .Does(async (invocation, _) =>
            {
                await invocation.Service<UserAdministration>().RemoveAsync(invocation.Arguments.GetRequiredValue(name));
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
                    var locked = user.LockoutEnd is { } end && end > TimeProvider.System.GetUtcNow() ? $"  locked until {end:u}" : "";
                    lines.WriteLine($"{user.UserName,-24} {user.Roles}{locked}");
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
