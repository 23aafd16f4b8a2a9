using Microsoft.AspNetCore.Identity;
using Pimm.Core.Auditing;

namespace Pimm.Core.Access;

/// <summary>What people do with their own account. Whoever calls has checked who it is; the old password is asked for here.</summary>
public sealed class OwnAccount(UserManager<AppUser> users, AppUserStore store, AccessOptions options, AuditLog audit, TimeProvider time)
{
    private const string Issuer = "Pimm";

    /// <summary>In the place of a password that somebody else gave; ends all other sessions.</summary>
    /// <exception cref="InputException">The password is too short, or the one that was given.</exception>
    public async Task SetPasswordAsync(AppUser user, string password)
    {
        if (user.PasswordHash is { } old && users.PasswordHasher.VerifyHashedPassword(user, old, password) != PasswordVerificationResult.Failed)
        {
            throw new InputException("This is the password you have already: choose another one.");
        }
        foreach (var validator in users.PasswordValidators)
        {
            UserAdministration.Demand(await validator.ValidateAsync(users, user, password), "The password was not changed");
        }
        (user.PasswordHash, user.MustChangePassword) = (users.PasswordHasher.HashPassword(user, password), false);
        await SaveAsync(user, "user.change-password");
    }

    /// <exception cref="InputException">The old password is wrong, the account locked, or the new one too short.</exception>
    public async Task ChangePasswordAsync(AppUser user, string old, string password)
    {
        await RequirePasswordAsync(user, old);
        await SetPasswordAsync(user, password);
    }

    /// <summary>Ends all sessions, this one too unless it is given a new cookie.</summary>
    public Task SignOutEverywhereAsync(AppUser user) => SaveAsync(user, "user.sign-out-everywhere");

    /// <summary>A new key for an authenticator app; nothing is asked for at sign-in before a code of it was given.</summary>
    /// <exception cref="InputException">The second step is on already.</exception>
    public async Task BeginTwoFactorAsync(AppUser user)
    {
        if (user.TwoFactorEnabled)
        {
            throw new InputException("The second step is on already: switch it off first.");
        }
        await store.SetAuthenticatorKeyAsync(user, TimeCodes.KeyText(RandomSecret.Bytes(TimeCodes.KeyBytes)), CancellationToken.None);
        UserAdministration.Demand(await users.UpdateAsync(user), "The second step was not set up");
    }

    /// <summary>Null: nothing is being set up.</summary>
    public async Task<TwoFactorSetUp?> SetUpAsync(AppUser user) =>
        user.TwoFactorEnabled || await users.GetAuthenticatorKeyAsync(user) is not { } key ? null
            : new TwoFactorSetUp(key, $"otpauth://totp/{Issuer}:{Uri.EscapeDataString(user.UserName)}?secret={key}&issuer={Issuer}&digits={TimeCodes.Digits}");

    /// <summary>Switches the second step on.</summary>
    /// <returns>recovery codes, which are stored hashed and shown this once</returns>
    /// <exception cref="InputException">The code is wrong or old, or nothing is being set up.</exception>
    public async Task<IReadOnlyList<string>> ConfirmTwoFactorAsync(AppUser user, string code)
    {
        if (await SetUpAsync(user) is null)
        {
            throw new InputException("No second step is being set up: begin again.");
        }
        if (!await users.VerifyTwoFactorTokenAsync(user, TokenOptions.DefaultAuthenticatorProvider, code))
        {
            throw new InputException($"The code is wrong or too old: type the {TimeCodes.Digits} digits that the app shows now. If it goes on, the clock of this machine ({time.GetUtcNow():HH:mm:ss} UTC) or of the phone is wrong.");
        }
        user.TwoFactorEnabled = true;
        return await WithNewCodesAsync(user, "user.two-factor-on");
    }

    /// <summary>Ten new recovery codes; the old ones are good no more.</summary>
    /// <exception cref="InputException">The password is wrong, or the second step off.</exception>
    public async Task<IReadOnlyList<string>> NewRecoveryCodesAsync(AppUser user, string password)
    {
        await RequirePasswordAsync(user, password);
        return user.TwoFactorEnabled ? await WithNewCodesAsync(user, "user.recovery-codes") : throw new InputException("The second step is off: recovery codes come with it.");
    }

    /// <exception cref="InputException">The password is wrong, or a role of the user requires the second step.</exception>
    public async Task SwitchOffTwoFactorAsync(AppUser user, string password)
    {
        await RequirePasswordAsync(user, password);
        if (SignInPath.Requires(await users.GetRolesAsync(user), options))
        {
            throw new InputException($"Your role needs a second step (the setting {AccessOptions.Section}:RequireTwoFactor): it stays on.");
        }
        (user.TwoFactorEnabled, user.AuthenticatorKey) = (false, null);
        using var transaction = UserAdministration.Transaction();
        await store.ReplaceCodesAsync(user, [], CancellationToken.None);
        await SaveAsync(user, "user.two-factor-off");
        transaction.Complete();
    }

    private async Task<IReadOnlyList<string>> WithNewCodesAsync(AppUser user, string action)
    {
        var codes = RecoveryCodes.Generate();
        using var transaction = UserAdministration.Transaction();
        await store.ReplaceCodesAsync(user, codes, CancellationToken.None);
        await SaveAsync(user, action);
        transaction.Complete();
        return codes;
    }

    /// <summary>A wrong one counts as at sign-in: an open session is no place to guess in.</summary>
    private async Task RequirePasswordAsync(AppUser user, string password)
    {
        if (await users.IsLockedOutAsync(user))
        {
            throw new InputException($"The account is locked after wrong passwords: try again in {options.LockoutMinutes} minutes.");
        }
        if (!await users.CheckPasswordAsync(user, password))
        {
            await users.AccessFailedAsync(user);
            await audit.AddAsync(UserAdministration.EntryOf(AuditActor.User(user.UserName), "user.wrong-password", user));
            throw new InputException("The password is wrong.");
        }
        user.AccessFailedCount = 0;
    }

    private async Task SaveAsync(AppUser user, string action)
    {
        using var transaction = UserAdministration.Transaction();
        UserAdministration.Demand(await users.UpdateSecurityStampAsync(user), "The account was not changed");
        await audit.AddAsync(UserAdministration.EntryOf(AuditActor.User(user.UserName), action, user));
        transaction.Complete();
    }
}

/// <summary>What an authenticator app needs to know.</summary>
/// <param name="Key">base32, to be typed</param>
/// <param name="Address">otpauth://, as a QR code holds it</param>
public sealed record TwoFactorSetUp(string Key, string Address);
