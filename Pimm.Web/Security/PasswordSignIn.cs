using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Identity;
using Pimm.Core.Access;
using Pimm.Core.Auditing;

namespace Pimm.Web.Security;

/// <summary>The steps of a sign-in: checks a name and a password, then a code; counts wrong ones, locks, and gives the session cookie at the end.</summary>
public sealed class PasswordSignIn(SignInManager<AppUser> signIn, AppUserStore store, PendingSignIn pending, AccessOptions options, AuditLog audit)
{
    private const string MethodClaim = "amr";
    private static readonly AppUser Nobody = new() { UserName = "nobody" };
    private static string? hashOfNobody;

    public int AttemptsBeforeLockout => options.AttemptsBeforeLockout;

    public int LockoutMinutes => options.LockoutMinutes;

    private UserManager<AppUser> Users => signIn.UserManager;

    public async Task<SignInStep> TryAsync(string userName, string password)
    {
        var user = await Users.FindByNameAsync(userName);
        if (user is null || user.DeactivatedAt is not null || await Users.IsLockedOutAsync(user))
        {
            // An unknown name and a locked account take as long as a wrong password.
            hashOfNobody ??= Users.PasswordHasher.HashPassword(Nobody, UserAdministration.GeneratePassword());
            Users.PasswordHasher.VerifyHashedPassword(Nobody, hashOfNobody, password);
            return await RefuseAsync(user, user is null ? "unknown name" : user.DeactivatedAt is null ? "locked" : "deactivated");
        }

        var result = await signIn.CheckPasswordSignInAsync(user, password, lockoutOnFailure: true);
        return result.Succeeded ? await GoOnAsync(user, codeGiven: false) : await RefuseAsync(user, "wrong password", result.IsLockedOut);
    }

    /// <param name="code">of the authenticator app, or a recovery code</param>
    public async Task<SignInStep> CodeAsync(AppUser user, string code)
    {
        var right = RecoveryCodes.LooksLikeOne(code)
            ? (await Users.RedeemTwoFactorRecoveryCodeAsync(user, code)).Succeeded
            : await Users.VerifyTwoFactorTokenAsync(user, TokenOptions.DefaultAuthenticatorProvider, code);
        if (!right)
        {
            await Users.AccessFailedAsync(user);
            return await RefuseAsync(user, "wrong code", await Users.IsLockedOutAsync(user));
        }
        await Users.ResetAccessFailedCountAsync(user);
        if (RecoveryCodes.LooksLikeOne(code))
        {
            await audit.AddAsync(EntryOf(AuditActor.User(user.UserName), "sign-in.recovery-code", user, new { left = await Users.CountRecoveryCodesAsync(user) }));
        }
        return await GoOnAsync(user, codeGiven: true);
    }

    /// <summary>The next step, or the session.</summary>
    public async Task<SignInStep> GoOnAsync(AppUser user, bool codeGiven)
    {
        var next = SignInPath.Next(user, await Users.GetRolesAsync(user), codeGiven, options);
        if (next != SignInStep.Done)
        {
            await pending.KeepAsync(user, codeGiven);
            return next;
        }
        await pending.EndAsync();
        await signIn.SignInWithClaimsAsync(user, isPersistent: false, [new Claim(MethodClaim, codeGiven ? "mfa" : "pwd")]);
        await store.NoteSignInAsync(user);
        await audit.AddAsync(EntryOf(AuditActor.User(user.UserName), "sign-in.succeed", user, null));
        return next;
    }

    /// <summary>Where a step is asked for.</summary>
    public static string AddressOf(SignInStep step, string? returnUrl)
    {
        var address = step switch
        {
            SignInStep.Code => "/sign-in/code",
            SignInStep.NewPassword => "/sign-in/password",
            SignInStep.SetUpTwoFactor => "/sign-in/two-factor",
            SignInStep.Refused => "/sign-in",
            _ => LocalAddress.Or(returnUrl, "/"),
        };
        return step == SignInStep.Done || string.IsNullOrEmpty(returnUrl) ? address : $"{address}?ReturnUrl={Uri.EscapeDataString(returnUrl)}";
    }

    private async Task<SignInStep> RefuseAsync(AppUser? user, string reason, bool lockedNow = false)
    {
        signIn.Logger.LogWarning("Sign-in of {User} refused: {Reason}", user is null ? "nobody" : $"user {user.Id}", reason);
        await audit.AddAsync(EntryOf(AuditActor.Anonymous, "sign-in.fail", user, new { reason }));
        if (lockedNow)
        {
            await audit.AddAsync(EntryOf(AuditActor.Anonymous, "sign-in.lock-out", user, null));
        }
        return SignInStep.Refused;
    }

    /// <summary>Never the name that was typed: people type their password there.</summary>
    private AuditEntry EntryOf(string actor, string action, AppUser? user, object? after) => new(
        actor, action, "user", user?.Id.ToString(CultureInfo.InvariantCulture) ?? "", After: after, From: signIn.Context.Connection.RemoteIpAddress?.ToString());
}
