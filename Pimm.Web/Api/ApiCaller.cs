using System.Globalization;
using System.Security.Claims;
using Pimm.Core.Access;

namespace Pimm.Web.Api;

/// <summary>Whose key a request came with.</summary>
/// <param name="Actor">as the audit names it: key:PREFIX</param>
public sealed record ApiCaller(long KeyId, string Name, string Actor)
{
    internal const string ScopeClaim = "pimm:scope";
    private const string ActorClaim = "pimm:actor";

    /// <summary>Behind a scope there is always one.</summary>
    public static ApiCaller Of(HttpContext context) => new(
        long.Parse(context.User.FindFirstValue(ClaimTypes.NameIdentifier)!, CultureInfo.InvariantCulture),
        context.User.FindFirstValue(ClaimTypes.Name)!, context.User.FindFirstValue(ActorClaim)!);

    internal static ClaimsPrincipal Principal(ApiKey key) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.NameIdentifier, key.Id.ToString(CultureInfo.InvariantCulture)), new Claim(ClaimTypes.Name, key.Name),
            new Claim(ActorClaim, $"key:{key.Prefix}"), .. key.Scopes.Select(scope => new Claim(ScopeClaim, scope)),
        ],
        ApiKeyAuthentication.SchemeName));
}
