using System.Globalization;
using System.Security.Cryptography;
using System.Transactions;
using Microsoft.AspNetCore.Identity;
using Pimm.Core.Auditing;

namespace Pimm.Core.Access;

/// <summary>A name with the password that was generated for it; it is shown once and stored nowhere.</summary>
public sealed record GeneratedPassword(string UserName, string Password);

/// <summary>What an administrator does with users; the command line and the pages call the same door. Every change ends the user's sessions.</summary>
public sealed class UserAdministration(UserManager<AppUser> users, AppUserStore store, UserListStore list, AuditLog audit, TimeProvider time)
{
    public const string FirstUserName = "admin";

    // Without the characters people mix up when they copy by hand (0 O, 1 l I).
    private const string Alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <summary>Creates "admin" with a generated password when there is no user at all; null when there is one.</summary>
    public async Task<GeneratedPassword?> CreateFirstAsync(CancellationToken cancellationToken = default) =>
        await list.CountAsync(cancellationToken: cancellationToken) > 0 ? null : await AddAsync(FirstUserName, Roles.Administrator, null);

    /// <summary>Adds a user; without a password one is generated.</summary>
    /// <param name="by">who does it, for the audit log: see <see cref="AuditActor"/>; null: the command line</param>
    /// <param name="mustChange">the password is good for one sign-in, which asks for another</param>
    /// <exception cref="InputException">The name is taken or not allowed, the role unknown or the password too short.</exception>
    public async Task<GeneratedPassword> AddAsync(string userName, string role, string? password, string? by = null, bool mustChange = false)
    {
        var known = Roles.Named(role);
        var chosen = password ?? GeneratePassword();
        var user = new AppUser { UserName = userName, MustChangePassword = mustChange };
        using var transaction = Transaction();
        Demand(await users.CreateAsync(user, chosen), $"User '{userName}' was not added");
        Demand(await users.AddToRoleAsync(user, known), $"User '{userName}' was not added");
        await audit.AddAsync(EntryOf(by, "user.add", user, after: new { user.UserName, Role = known }));
        transaction.Complete();
        return new GeneratedPassword(userName, chosen);
    }

    /// <summary>Gives a new password, unlocks the account and ends all its sessions.</summary>
    /// <exception cref="InputException">There is no such user, or the password is too short.</exception>
    public async Task<GeneratedPassword> ResetPasswordAsync(string userName, string? password, string? by = null, bool mustChange = false)
    {
        var user = await FindAsync(userName);
        var chosen = password ?? GeneratePassword();
        foreach (var validator in users.PasswordValidators)
        {
            Demand(await validator.ValidateAsync(users, user, chosen), $"The password of '{userName}' was not changed");
        }

        await SaveAsync(user, by, "user.reset-password", null, null, () =>
        {
            user.PasswordHash = users.PasswordHasher.HashPassword(user, chosen);
            (user.AccessFailedCount, user.LockoutEnd, user.MustChangePassword) = (0, null, mustChange);
        });
        return new GeneratedPassword(user.UserName, chosen);
    }

    /// <summary>Gives the user these roles and no others.</summary>
    /// <exception cref="InputException">There is no such user or role, or nobody could administer any more.</exception>
    public async Task SetRolesAsync(string userName, IReadOnlyCollection<string> roles, string? by = null)
    {
        var (user, wanted) = (await FindAsync(userName), roles.Select(Roles.Named).ToHashSet());
        using var transaction = Transaction();
        await store.HoldAdministratorsAsync();
        var had = await users.GetRolesAsync(user);
        if (wanted.SetEquals(had))
        {
            return;
        }
        if (!wanted.Contains(Roles.Administrator))
        {
            await RequireAnotherAsync(user);
        }
        Demand(await users.RemoveFromRolesAsync(user, had.Where(role => !wanted.Contains(role))), $"The roles of '{userName}' were not changed");
        Demand(await users.AddToRolesAsync(user, wanted.Where(role => !had.Contains(role))), $"The roles of '{userName}' were not changed");
        await SaveAsync(user, by, "user.set-roles", new { Roles = had }, new { Roles = Roles.All.Where(wanted.Contains) }, () => { });
        transaction.Complete();
    }

    /// <summary>Nobody signs in by this name any more; what the user did stays, and the user can be activated again.</summary>
    /// <exception cref="InputException">There is no such user, or nobody could administer any more.</exception>
    public async Task DeactivateAsync(string userName, string? by = null)
    {
        var user = await FindAsync(userName);
        using var transaction = Transaction();
        await store.HoldAdministratorsAsync();
        await RequireAnotherAsync(user);
        await SaveAsync(user, by, "user.deactivate", null, null, () => user.DeactivatedAt ??= time.GetUtcNow());
        transaction.Complete();
    }

    /// <exception cref="InputException">There is no such user.</exception>
    public async Task ActivateAsync(string userName, string? by = null)
    {
        var user = await FindAsync(userName);
        await SaveAsync(user, by, "user.activate", null, null, () => user.DeactivatedAt = null);
    }

    /// <summary>Locks until somebody unlocks; a lock after wrong passwords opens by itself.</summary>
    /// <exception cref="InputException">There is no such user, or nobody could administer any more.</exception>
    public async Task LockAsync(string userName, string? by = null)
    {
        var user = await FindAsync(userName);
        using var transaction = Transaction();
        await store.HoldAdministratorsAsync();
        await RequireAnotherAsync(user);
        await SaveAsync(user, by, "user.lock", null, null, () => user.LockoutEnd = Locked);
        transaction.Complete();
    }

    /// <exception cref="InputException">There is no such user.</exception>
    public async Task UnlockAsync(string userName, string? by = null)
    {
        var user = await FindAsync(userName);
        await SaveAsync(user, by, "user.unlock", null, null, () => (user.AccessFailedCount, user.LockoutEnd) = (0, null));
    }

    /// <summary>For somebody who has lost both the authenticator app and the recovery codes.</summary>
    /// <exception cref="InputException">There is no such user.</exception>
    public async Task ResetTwoFactorAsync(string userName, string? by = null)
    {
        var user = await FindAsync(userName);
        using var transaction = Transaction();
        await SaveAsync(user, by, "user.reset-two-factor", new { user.TwoFactorEnabled }, new { TwoFactorEnabled = false }, () => (user.TwoFactorEnabled, user.AuthenticatorKey) = (false, null));
        await store.ReplaceCodesAsync(user, [], CancellationToken.None);
        transaction.Complete();
    }

    /// <summary>Takes the user away and ends all its sessions.</summary>
    /// <exception cref="InputException">There is no such user, or nobody could administer any more.</exception>
    public async Task RemoveAsync(string userName, string? by = null)
    {
        var user = await FindAsync(userName);
        var roles = await users.GetRolesAsync(user);
        using var transaction = Transaction();
        await store.HoldAdministratorsAsync();
        await RequireAnotherAsync(user);
        Demand(await users.DeleteAsync(user), $"User '{userName}' was not removed");
        await audit.AddAsync(EntryOf(by, "user.remove", user, before: new { user.UserName, Roles = roles }));
        transaction.Complete();
    }

    /// <summary>20 characters out of 56: about 116 bits.</summary>
    public static string GeneratePassword() => RandomNumberGenerator.GetString(Alphabet, 20);

    /// <summary>As far away as both the database and .NET can say.</summary>
    internal static DateTimeOffset Locked { get; } = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Identity's stores open connections of their own, one after the other: all of them are in it.</summary>
    internal static TransactionScope Transaction() => new(
        TransactionScopeOption.Required, new TransactionOptions { IsolationLevel = IsolationLevel.ReadCommitted }, TransactionScopeAsyncFlowOption.Enabled);

    internal static AuditEntry EntryOf(string? by, string action, AppUser user, object? before = null, object? after = null) =>
        new(by ?? AuditActor.CommandLine, action, "user", user.Id.ToString(CultureInfo.InvariantCulture), before, after ?? (before is null ? new { user.UserName } : null));

    internal static void Demand(IdentityResult result, string what)
    {
        if (!result.Succeeded)
        {
            throw new InputException($"{what}: {string.Join(" ", result.Errors.Select(error => error.Description))}");
        }
    }

    private async Task<AppUser> FindAsync(string userName) =>
        await users.FindByNameAsync(userName) ?? throw new InputException($"There is no user '{userName}'; `pimm users list` shows the names.");

    /// <summary>With a new security stamp, which ends all sessions.</summary>
    private async Task SaveAsync(AppUser user, string? by, string action, object? before, object? after, Action change)
    {
        change();
        using var transaction = Transaction();
        Demand(await users.UpdateSecurityStampAsync(user), $"User '{user.UserName}' was not changed");
        await audit.AddAsync(EntryOf(by, action, user, before, after));
        transaction.Complete();
    }

    /// <summary>Whoever takes an administrator away waits for whoever does the same: two at once would leave nobody.</summary>
    private async Task RequireAnotherAsync(AppUser user)
    {
        var able = (await users.GetUsersInRoleAsync(Roles.Administrator)).Where(one => one.DeactivatedAt is null && one.LockoutEnd != Locked).ToList();
        if (able is [var last] && last.Id == user.Id)
        {
            throw new InputException($"'{user.UserName}' is the only administrator: add another one first.");
        }
    }
}
