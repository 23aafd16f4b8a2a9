using System.Diagnostics.Metrics;
using Pimm.Core.Database;

namespace Pimm.Core.Queueing;

/// <summary>What a worker measures of its runs.</summary>
internal static class RunMeter
{
    private static readonly Histogram<double> Duration = PimmMeter.Meter.CreateHistogram<double>("pimm.run.duration", "s", "one attempt, from its claim to its end");

    private static readonly Counter<long> Lost = PimmMeter.Meter.CreateCounter<long>("pimm.run.attempts_lost", "{attempt}", "attempts whose worker fell silent");

    private static readonly Counter<long> HeartbeatFailures = PimmMeter.Meter.CreateCounter<long>("pimm.heartbeat.failures", "{heartbeat}", "heartbeats that the database did not accept");

    /// <param name="end">null: the run succeeded</param>
    public static void Ended(string kind, LeaseEnd? end, TimeSpan duration) => Duration.Record(duration.TotalSeconds, new("kind", kind), new("outcome", end switch
    {
        null => "succeeded",
        LeaseEnd.CancelRequested => "cancelled",
        LeaseEnd.Lost => "lost",
        LeaseEnd.BudgetSpent => "out-of-time",
        LeaseEnd.HandedBack => "handed-back",
        _ => "failed",
    }));

    public static void AttemptsLost(int count) => Lost.Add(count);

    public static void HeartbeatFailed(string kind) => HeartbeatFailures.Add(1, new KeyValuePair<string, object?>("kind", kind));
}
