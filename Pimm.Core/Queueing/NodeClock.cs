using Microsoft.Extensions.Logging;

namespace Pimm.Core.Queueing;

/// <summary>
/// How far this machine's clock is from the database's. Leases do not depend on it; what a worker decides by its own clock
/// (when to fire, how old a row is) does, so one that is far off takes nothing until it is right again.
/// </summary>
public sealed class NodeClock(QueueingOptions options, ILogger? logger = null)
{
    private long offsetTicks;
    private volatile bool isFarOff;

    /// <summary>This machine's time less the database's; zero until measured.</summary>
    public TimeSpan Offset => TimeSpan.FromTicks(Interlocked.Read(ref offsetTicks));

    public bool IsRight => !isFarOff;

    public void Measured(TimeSpan offset)
    {
        Interlocked.Exchange(ref offsetTicks, offset.Ticks);
        var wasFarOff = isFarOff;
        isFarOff = offset.Duration() > options.ClockRefusal;
        if (isFarOff)
            logger?.LogError("This machine's clock is {Offset} s off the database's, more than {Limit} s: the worker takes no run until it is set right", Seconds(offset), Seconds(options.ClockRefusal));
        else if (offset.Duration() > options.ClockWarning)
            logger?.LogWarning("This machine's clock is {Offset} s off the database's: set it right before it is {Limit} s off", Seconds(offset), Seconds(options.ClockRefusal));
        else if (wasFarOff)
            logger?.LogInformation("This machine's clock is right again: the worker takes runs");
    }

    private static string Seconds(TimeSpan span) => FormattableString.Invariant($"{span.TotalSeconds:0.0}");
}
