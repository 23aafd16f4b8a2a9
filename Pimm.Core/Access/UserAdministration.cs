using System.Globalization;
using System.Security.Cryptography;
using System.Transactions;
using Microsoft.AspNetCore.Identity;
using Pimm.Core.Auditing;

namespace Pimm.Core.Access;

/// <summary>A name with the password that was generated for it; it is shown once and stored nowhere.</summary>
public sealed record GeneratedPassword(string UserName, string Password);

/// <summary>What an administrator does with users; the command line and the pages call the same door.</summary>
public sealed class UserAdministration(UserManager<AppUser> users, AppUserStore store, AuditLog audit)
{
    public const string FirstUserName = "admin";

    // Without the characters people mix up when they copy by hand (0 O, 1 l I).
    private const string Alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <summary>Creates "admin" with a generated password when there is no user at all; null when there is one.</summary>
    public async Task<GeneratedPassword?> CreateFirstAsync(CancellationToken cancellationToken = default) =>
        (await store.ListAsync(cancellationToken)).Count > 0 ? null : await AddAsync(FirstUserName, Roles.Administrator, null);

    /// <summary>Adds a user; without a password one is generated.</summary>
    /// <param name="by">who does it, for the audit log: see <see cref="AuditActor"/>; null: the command line</param>
    /// <exception cref="InputException">The name is taken or not allowed, the role unknown or the password too short.</exception>
    public async Task<GeneratedPassword> AddAsync(string userName, string role, string? password, string? by = null)
    {
        var known = Roles.Named(role);
        var chosen = password ?? GeneratePassword();
        var user = new AppUser { UserName = userName };
        using var transaction = Transaction();
        Demand(await users.CreateAsync(user, chosen), $"User '{userName}' was not added");
        Demand(await users.AddToRoleAsync(user, known), $"User '{userName}' was not added");
        await audit.AddAsync(EntryOf(by, "user.add", user, after: new { user.UserName, Role = known }));
        transaction.Complete();
        return new GeneratedPassword(userName, chosen);
    }

    /// <summary>Gives a new password, unlocks the account and ends all its sessions.</summary>
    /// <exception cref="InputException">There is no such user, or the password is too short.</exception>
    public async Task<GeneratedPassword> ResetPasswordAsync(string userName, string? password, string? by = null)
    {
        var user = await users.FindByNameAsync(userName) ?? throw NoSuchUser(userName);
        var chosen = password ?? GeneratePassword();
        foreach (var validator in users.PasswordValidators)
        {
            Demand(await validator.ValidateAsync(users, user, chosen), $"The password of '{userName}' was not changed");
        }

        user.PasswordHash = users.PasswordHasher.HashPassword(user, chosen);
        user.AccessFailedCount = 0;
        user.LockoutEnd = null;
        using var transaction = Transaction();
        Demand(await users.UpdateSecurityStampAsync(user), $"The password of '{userName}' was not changed");
        await audit.AddAsync(EntryOf(by, "user.reset-password", user));
        transaction.Complete();
        return new GeneratedPassword(user.UserName, chosen);
    }

    /// <summary>Takes the user away and ends all its sessions.</summary>
    /// <exception cref="InputException">There is no such user, or nobody could administer any more.</exception>
    public async Task RemoveAsync(string userName, string? by = null)
    {
        var user = await users.FindByNameAsync(userName) ?? throw NoSuchUser(userName);
        var administrators = await users.GetUsersInRoleAsync(Roles.Administrator);
        if (administrators is [var last] && last.Id == user.Id)
        {
            throw new InputException($"'{userName}' is the only administrator: add another one first.");
        }

        var roles = await users.GetRolesAsync(user);
        using var transaction = Transaction();
        Demand(await users.DeleteAsync(user), $"User '{userName}' was not removed");
        await audit.AddAsync(EntryOf(by, "user.remove", user, before: new { user.UserName, Roles = roles }));
        transaction.Complete();
    }

    /// <summary>20 characters out of 56: about 116 bits.</summary>
    public static string GeneratePassword() => RandomNumberGenerator.GetString(Alphabet, 20);

    /// <summary>Identity's stores open connections of their own, one after the other: all of them are in it.</summary>
    private static TransactionScope Transaction() => new(
        TransactionScopeOption.Required, new TransactionOptions { IsolationLevel = IsolationLevel.ReadCommitted }, TransactionScopeAsyncFlowOption.Enabled);

    private static AuditEntry EntryOf(string? by, string action, AppUser user, object? before = null, object? after = null) =>
        new(by ?? AuditActor.CommandLine, action, "user", user.Id.ToString(CultureInfo.InvariantCulture), before, after ?? (before is null ? new { user.UserName } : null));

    private static InputException NoSuchUser(string userName) => new($"There is no user '{userName}'; `pimm users list` shows the names.");

    private static void Demand(IdentityResult result, string what)
    {
        if (!result.Succeeded)
        {
            throw new InputException($"{what}: {string.Join(" ", result.Errors.Select(error => error.Description))}");
        }
    }
}
