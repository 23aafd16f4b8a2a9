using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using Pimm.Core.Access;

namespace Pimm.Web.Security;

/// <summary>Ends the circuits of a user whose password, roles or account changed; an open page notices within half a minute.</summary>
public sealed class StampRevalidation(ILoggerFactory loggers, IServiceScopeFactory scopes, AccessOptions options) : RevalidatingServerAuthenticationStateProvider(loggers)
{
    protected override TimeSpan RevalidationInterval => TimeSpan.FromSeconds(options.RevalidationSeconds);

    protected override async Task<bool> ValidateAuthenticationStateAsync(AuthenticationState state, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<WorkPermit>().CurrentAsync(state.User) is not null;
    }
}
