using System.Globalization;
using System.Text.RegularExpressions;
using Pimm.Core.Queueing;

namespace Pimm.Web.Runs;

/// <summary>How fast a run is and how long it will take, as far as its progress tells.</summary>
/// <param name="PerSecond">of <paramref name="Unit"/>, since the attempt began; null: its message counts nothing</param>
/// <param name="Remaining">at the pace so far; null: too early</param>
public sealed partial record RunPace(double? PerSecond, string Unit, TimeSpan? Remaining)
{
    private const double EarliestShare = 0.02;
    private static readonly TimeSpan Earliest = TimeSpan.FromSeconds(3);

    public static RunPace Of(JobRun run, DateTimeOffset now)
    {
        var elapsed = now - (run.StartedAt ?? now);
        var remaining = run.Progress is { } share && share >= EarliestShare && share < 1 && elapsed >= Earliest ? elapsed * ((1 - share) / share) : (TimeSpan?)null;
        var counted = Counted().Match(run.ProgressMsg ?? "");
        return elapsed >= Earliest && counted.Success
            ? new RunPace(double.Parse(counted.Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) / elapsed.TotalSeconds, counted.Groups[2].Value, remaining)
            : new RunPace(null, "", remaining);
    }

    // "12,000 customers scored, …", "340 rows predicted by both versions"; a training says its rows a second itself.
    [GeneratedRegex(@"^([\d,]+) (rows|customers|impressions|lines|events)\b")]
    private static partial Regex Counted();
}
