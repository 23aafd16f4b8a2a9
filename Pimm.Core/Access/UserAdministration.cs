using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;

namespace Pimm.Core.Access;

/// <summary>A name with the password that was generated for it; it is shown once and stored nowhere.</summary>
public sealed record GeneratedPassword(string UserName, string Password);

/// <summary>What an administrator does with users; the command line and the pages call the same door.</summary>
public sealed class UserAdministration(UserManager<AppUser> users, AppUserStore store)
{
    public const string FirstUserName = "admin";

    // Without the characters people mix up when they copy by hand (0 O, 1 l I).
    private const string Alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <summary>Creates "admin" with a generated password when there is no user at all; null when there is one.</summary>
    public async Task<GeneratedPassword?> CreateFirstAsync(CancellationToken cancellationToken = default) =>
        (await store.ListAsync(cancellationToken)).Count > 0 ? null : await AddAsync(FirstUserName, Roles.Administrator, null);

    /// <summary>Adds a user; without a password one is generated.</summary>
    /// <exception cref="InputException">The name is taken or not allowed, the role unknown or the password too short.</exception>
    public async Task<GeneratedPassword> AddAsync(string userName, string role, string? password)
    {
        var known = Roles.Named(role);
        var chosen = password ?? GeneratePassword();
        var user = new AppUser { UserName = userName };
        Demand(await users.CreateAsync(user, chosen), $"User '{userName}' was not added");
        try
        {
            Demand(await users.AddToRoleAsync(user, known), $"User '{userName}' was not added");
        }
        catch
        {
            // A user without a role could sign in and start nothing.
            await users.DeleteAsync(user);
            throw;
        }
        return new GeneratedPassword(userName, chosen);
    }

    /// <summary>Gives a new password, unlocks the account and ends all its sessions.</summary>
    /// <exception cref="InputException">There is no such user, or the password is too short.</exception>
    public async Task<GeneratedPassword> ResetPasswordAsync(string userName, string? password)
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
        Demand(await users.UpdateSecurityStampAsync(user), $"The password of '{userName}' was not changed");
        return new GeneratedPassword(user.UserName, chosen);
    }

    /// <summary>Takes the user away and ends all its sessions.</summary>
    /// <exception cref="InputException">There is no such user, or nobody could administer any more.</exception>
    public async Task RemoveAsync(string userName)
    {
        var user = await users.FindByNameAsync(userName) ?? throw NoSuchUser(userName);
        var administrators = await users.GetUsersInRoleAsync(Roles.Administrator);
        if (administrators is [var last] && last.Id == user.Id)
        {
            throw new InputException($"'{userName}' is the only administrator: add another one first.");
        }

        Demand(await users.DeleteAsync(user), $"User '{userName}' was not removed");
    }

    /// <summary>20 characters out of 56: about 116 bits.</summary>
    public static string GeneratePassword() => RandomNumberGenerator.GetString(Alphabet, 20);

    private static InputException NoSuchUser(string userName) => new($"There is no user '{userName}'; `pimm users list` shows the names.");

    private static void Demand(IdentityResult result, string what)
    {
        if (!result.Succeeded)
        {
            throw new InputException($"{what}: {string.Join(" ", result.Errors.Select(error => error.Description))}");
        }
    }
}
