using Microsoft.AspNetCore.Authorization;
using Pimm.Core.Access;

namespace Pimm.Web.Api;

/// <summary>The scope that an endpoint asks for.</summary>
public sealed record ApiScope(string Name);

public static class ApiScopePolicies
{
    private static readonly Dictionary<string, AuthorizationPolicy> Policies = ApiScopes.All.Keys.ToDictionary(scope => scope, PolicyFor, StringComparer.Ordinal);

    /// <summary>Lets in keys with this scope and nobody else: no session cookie opens an endpoint of the API.</summary>
    /// <param name="scope">one of <see cref="ApiScopes.All"/></param>
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoint, string scope) where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(Policies[scope]).WithMetadata(new ApiScope(scope));

    private static AuthorizationPolicy PolicyFor(string scope) => new AuthorizationPolicyBuilder(ApiKeyAuthentication.SchemeName)
        .RequireAuthenticatedUser().RequireClaim(ApiCaller.ScopeClaim, scope).Build();
}
