using System.Security.Claims;
using Microsoft.AspNetCore.Identity;
using Pimm.Core;
using Pimm.Core.Access;

namespace Pimm.Web.Security;

/// <summary>May this person do this? Asked of the database at every click, never of an old cookie.</summary>
public sealed class WorkPermit(UserManager<AppUser> users, AppUserStore store)
{
    /// <summary>What a page shows; the click asks again.</summary>
    public static bool Shown(ClaimsPrincipal person, Right right = Right.StartWork) => Rights.Holders(right).Any(person.IsInRole);

    public static string RolesOf(ClaimsPrincipal person) => string.Join(", ", Roles.All.Where(person.IsInRole));

    /// <returns>the person's name</returns>
    /// <exception cref="InputException">The session has ended, or no role of the person holds the right.</exception>
    public async Task<string> DemandAsync(ClaimsPrincipal person, Right right = Right.StartWork)
    {
        var user = await CurrentAsync(person) ?? throw new InputException("Your session has ended: sign in again.");
        var roles = await store.GetRolesAsync(user, CancellationToken.None);
        return roles.Intersect(Rights.Holders(right)).Any()
            ? user.UserName
            : throw new InputException($"Only {string.Join(", ", Rights.Holders(right))} may {Rights.Words(right)}; your roles: {(roles.Count == 0 ? "none" : string.Join(", ", roles))}.");
    }

    /// <summary>The user behind a session whose security stamp is still the stored one, else null.</summary>
    public async Task<AppUser?> CurrentAsync(ClaimsPrincipal person)
    {
        var user = person.FindFirstValue(ClaimTypes.NameIdentifier) is { } id ? await store.FindByIdAsync(id, CancellationToken.None) : null;
        return user is { DeactivatedAt: null } && person.FindFirstValue(users.Options.ClaimsIdentity.SecurityStampClaimType) == user.SecurityStamp ? user : null;
    }
}
