using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;

namespace Pimm.Core.Access;

/// <summary>Keys of authenticator apps, sealed: a key opens for its own user only.</summary>
public sealed class AuthenticatorKeys(IDataProtectionProvider protection)
{
    public byte[] Seal(AppUser user, string key) => Protector(user).Protect(Encoding.UTF8.GetBytes(key));

    /// <summary>Null where the user has none.</summary>
    /// <exception cref="InputException">it was sealed by a Data Protection key that the database does not have</exception>
    public string? Open(AppUser user)
    {
        try
        {
            return user.AuthenticatorKey is { } box ? Encoding.UTF8.GetString(Protector(user).Unprotect(box)) : null;
        }
        catch (CryptographicException damage)
        {
            throw new InputException(
                $"The second step of '{user.UserName}' cannot be read: data_protection_key lacks the key that sealed it, so restore that table, or reset the second step with `pimm users reset-two-factor {user.UserName}`.", damage);
        }
    }

    private IDataProtector Protector(AppUser user) => protection.CreateProtector("Pimm.Access", "authenticator", user.Id.ToString(CultureInfo.InvariantCulture));
}

/// <summary>Identity's provider of codes, by a clock that tests can set; a code is taken once, and no older one after it.</summary>
public sealed class AuthenticatorCodes(AppUserStore store, TimeProvider time) : AuthenticatorTokenProvider<AppUser>
{
    public override async Task<bool> ValidateAsync(string purpose, string token, UserManager<AppUser> manager, AppUser user)
    {
        var code = string.Concat(token.Where(character => !char.IsWhiteSpace(character)));
        return await manager.GetAuthenticatorKeyAsync(user) is { } key
            && TimeCodes.StepOf(code, TimeCodes.KeyOf(key), time.GetUtcNow()) is { } step
            && await store.TakeStepAsync(user, step);
    }
}
