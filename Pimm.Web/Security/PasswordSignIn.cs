using Microsoft.AspNetCore.Identity;
using Pimm.Core.Access;

namespace Pimm.Web.Security;

/// <summary>Checks a name and a password, counts wrong ones, locks, and gives the session cookie.</summary>
public sealed class PasswordSignIn(SignInManager<AppUser> signIn, UserManager<AppUser> users, AccessOptions options, ILogger<PasswordSignIn> log)
{
    private static readonly AppUser Nobody = new() { UserName = "nobody" };
    private static string? hashOfNobody;

    public int AttemptsBeforeLockout => options.AttemptsBeforeLockout;

    public int LockoutMinutes => options.LockoutMinutes;

    public async Task<bool> TryAsync(string userName, string password)
    {
        var user = await users.FindByNameAsync(userName);
        if (user is null || await users.IsLockedOutAsync(user))
        {
            // An unknown name and a locked account take as long as a wrong password.
            hashOfNobody ??= users.PasswordHasher.HashPassword(Nobody, UserAdministration.GeneratePassword());
            users.PasswordHasher.VerifyHashedPassword(Nobody, hashOfNobody, password);
            log.LogWarning("Sign-in refused: {Reason}", user is null ? "unknown name" : $"user {user.Id} is locked");
            return false;
        }

        var result = await signIn.PasswordSignInAsync(user, password, isPersistent: false, lockoutOnFailure: true);
        log.LogInformation("Sign-in of user {User}: {Result}", user.Id, result);
        return result.Succeeded;
    }
}
