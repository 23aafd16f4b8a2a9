using System.Threading.RateLimiting;
using Pimm.Core;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>
/// Counts a person may ask for: 40 at once, then one a second. Somebody who changes filters as fast as a program does would find out
/// about single people.
/// </summary>
public sealed class CountLimit : IDisposable
{
    private readonly PartitionedRateLimiter<string> limiter = PartitionedRateLimiter.Create<string, string>(user => RateLimitPartition.GetTokenBucketLimiter(user, _ => new TokenBucketRateLimiterOptions
    {
        TokenLimit = 40, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromSeconds(1), QueueLimit = 0, AutoReplenishment = true,
    }));

    /// <exception cref="InputException">too many</exception>
    public void Take(string user)
    {
        using var lease = limiter.AttemptAcquire(user);
        if (!lease.IsAcquired)
        {
            throw new InputException("You asked for more than 40 counts in a short time: wait a few seconds, then change the filter again.");
        }
    }

    public void Dispose() => limiter.Dispose();
}
