using System.Globalization;
using Microsoft.AspNetCore.Identity;
using Pimm.Core.Access;
using Pimm.Core.Auditing;

namespace Pimm.Web.Security;

/// <summary>Checks a name and a password, counts wrong ones, locks, and gives the session cookie.</summary>
public sealed class PasswordSignIn(SignInManager<AppUser> signIn, UserManager<AppUser> users, AccessOptions options, AuditLog audit, ILogger<PasswordSignIn> log)
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
            await audit.AddAsync(EntryOf("sign-in.fail", user, user is null ? "unknown name" : "locked"));
            return false;
        }

        var result = await signIn.PasswordSignInAsync(user, password, isPersistent: false, lockoutOnFailure: true);
        log.LogInformation("Sign-in of user {User}: {Result}", user.Id, result);
        await audit.AddAsync(result.Succeeded ? EntryOf("sign-in.succeed", user, null) : EntryOf("sign-in.fail", user, "wrong password"));
        if (result.IsLockedOut)
        {
            await audit.AddAsync(EntryOf("sign-in.lock-out", user, null));
        }

        return result.Succeeded;
    }
    /// <summary>Never the name that was typed: people type their password there.</summary>
    private AuditEntry EntryOf(string action, AppUser? user, string? reason) => new(
        action == "sign-in.succeed" ? AuditActor.User(user!.UserName) : AuditActor.Anonymous, action, "user", user?.Id.ToString(CultureInfo.InvariantCulture) ?? "",
        After: reason is null ? null : new { reason }, From: signIn.Context.Connection.RemoteIpAddress?.ToString());
}
