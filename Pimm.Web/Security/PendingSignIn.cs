using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Pimm.Core.Access;

namespace Pimm.Web.Security;

/// <summary>Who has begun to sign in and is not through yet: a cookie of ten minutes that opens nothing but the next step.</summary>
public sealed class PendingSignIn(UserManager<AppUser> users, IHttpContextAccessor http)
{
    public const string Scheme = "pimm-step";
    private const string CodeGiven = "code-given";

    public static TimeSpan Lifetime { get; } = TimeSpan.FromMinutes(10);

    private HttpContext Context => http.HttpContext ?? throw new InvalidOperationException("A sign-in needs a request.");

    public Task KeepAsync(AppUser user, bool codeGiven) => Context.SignInAsync(Scheme, new ClaimsPrincipal(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.NameIdentifier, user.Id.ToString(CultureInfo.InvariantCulture)),
            new Claim(users.Options.ClaimsIdentity.SecurityStampClaimType, user.SecurityStamp),
            .. codeGiven ? [new Claim(CodeGiven, "yes")] : Array.Empty<Claim>(),
        ], Scheme)));

    /// <summary>Null: nobody, too long ago, or the user was changed, locked or deactivated meanwhile.</summary>
    public async Task<(AppUser User, bool CodeGiven)?> FindAsync()
    {
        var pending = await Context.AuthenticateAsync(Scheme);
        if (pending.Principal is not { } person || person.FindFirstValue(ClaimTypes.NameIdentifier) is not { } id || await users.FindByIdAsync(id) is not { } user)
        {
            return null;
        }
        return user.DeactivatedAt is null && person.FindFirstValue(users.Options.ClaimsIdentity.SecurityStampClaimType) == user.SecurityStamp && !await users.IsLockedOutAsync(user)
            ? (user, person.HasClaim(CodeGiven, "yes")) : null;
    }

    public Task EndAsync() => Context.SignOutAsync(Scheme);
}
