using Pimm.Core.Database;

namespace Pimm.Core.Queueing;

/// <summary>
/// Whether this worker could lately not reach the database. Then others could not either, and leases ran out of which nobody can
/// say that their owner is silent: it has to be given the time to renew them.
/// </summary>
internal sealed class LeaseOutage(TimeProvider clock)
{
    private readonly Lock gate = new();
    private bool isAway;
    private long? back;

    /// <summary>Remembers how the statement went; whatever it throws goes on.</summary>
    public async Task<T> WatchAsync<T>(Func<Task<T>> statement)
    {
        try
        {
            var answer = await statement();
            lock (gate)
                (isAway, back) = (false, isAway ? clock.GetTimestamp() : back);
            return answer;
        }
        catch (Exception e) when (PostgresErrors.IsTransient(e))
        {
            lock (gate)
                isAway = true;
            throw;
        }
    }

    /// <summary>False during an outage and for <paramref name="grace"/> after the first statement that went well again.</summary>
    public bool IsOver(TimeSpan grace)
    {
        lock (gate)
            return !isAway && (back is not { } at || clock.GetElapsedTime(at) >= grace);
    }
}
