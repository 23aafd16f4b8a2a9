using System.Globalization;
using System.Security.Claims;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;

namespace Pimm.Web.Api;

/// <summary>Each key has a bucket of requests of its own; who has none, each address.</summary>
public sealed class ApiLimit(ApiOptions options) : IRateLimiterPolicy<string>
{
    public const string Policy = "api";

    public Func<OnRejectedContext, CancellationToken, ValueTask>? OnRejected { get; } = async (rejected, _) =>
        await RefuseAsync(rejected.HttpContext, rejected.Lease, "The key sends more requests than it may");

    internal static Task RefuseAsync(HttpContext context, RateLimitLease lease, string why)
    {
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? Math.Max(1, (int)Math.Ceiling(after.TotalSeconds)) : 1;
        context.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        return ApiProblem.Of(StatusCodes.Status429TooManyRequests, "too-many-requests", "Too many requests", $"{why}: try again in {wait} s.").ExecuteAsync(context);
    }

    public RateLimitPartition<string> GetPartition(HttpContext context) => RateLimitPartition.GetTokenBucketLimiter(
        context.User.FindFirstValue(ClaimTypes.NameIdentifier) ?? $"address {context.Connection.RemoteIpAddress}",
        _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = options.Burst, TokensPerPeriod = options.RequestsPerSecond, ReplenishmentPeriod = TimeSpan.FromSeconds(1), QueueLimit = 0,
        });
}

/// <summary>
/// How often an address may come with a key that opens nothing. Asked before the key is looked up: guessing takes neither connections
/// to the database nor lines of the log without end.
/// </summary>
public sealed class RefusalLimit(ApiOptions options) : IDisposable
{
    private readonly PartitionedRateLimiter<HttpContext> refusals = PartitionedRateLimiter.Create<HttpContext, string>(context =>
        RateLimitPartition.GetFixedWindowLimiter($"{context.Connection.RemoteIpAddress}", _ => new FixedWindowRateLimiterOptions
        {
            PermitLimit = options.RefusalsPerMinute, Window = TimeSpan.FromMinutes(1),
        }));

    /// <summary>Acquired where the address may come with one more.</summary>
    public RateLimitLease Ask(HttpContext context) => refusals.AttemptAcquire(context, 0);

    public void Count(HttpContext context) => refusals.AttemptAcquire(context).Dispose();

    public void Dispose() => refusals.Dispose();
}
