using System.Threading.RateLimiting;
using Pimm.Core.Access;

namespace Pimm.Web.Security;

/// <summary>Sign-in attempts a minute from one address; showing the page is free.</summary>
public static class SignInLimit
{
    public const string Policy = "sign-in";

    public static RateLimitPartition<string> Partition(HttpContext context) =>
        HttpMethods.IsPost(context.Request.Method)
            ? RateLimitPartition.GetFixedWindowLimiter(
                context.Connection.RemoteIpAddress?.ToString() ?? "",
                _ => new FixedWindowRateLimiterOptions
                {
                    PermitLimit = context.RequestServices.GetRequiredService<AccessOptions>().AttemptsPerMinute,
                    Window = TimeSpan.FromMinutes(1),
                })
            : RateLimitPartition.GetNoLimiter("");
}
