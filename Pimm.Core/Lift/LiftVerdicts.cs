using Pimm.Core.Allocating;
using Pimm.Core.Statistics;
using static System.FormattableString;

namespace Pimm.Core.Lift;

/// <summary>The rule of docs/campaigns.md, section "The verdict": the first line that applies decides.</summary>
internal static class LiftVerdicts
{
    private const double Power = 0.8;

    /// <summary>A campaign this many times as long is no plan: the observed effect is about none.</summary>
    private const double LongestAnswer = 20;

    public static LiftVerdict Of(LiftInput input, LiftReport report)
    {
        if (input.Waves.Count == 0 || input.Customers.All(customer => customer.Actual.Action == WaveAction.None))
            return new LiftVerdict("no-data", "No data: nobody was exported yet.");
        if (report.Checks.FirstOrDefault(check => check.Alarm) is { } alarm)
            return new LiftVerdict("unhealthy", $"No verdict: the check \"{alarm.Name}\" failed. {alarm.Sentence}");
        if (!input.HasCustomerOutcomes)
            return new LiftVerdict("no-data", "No data: no outcomes of customers by any route have come, and delivered lift alone decides nothing.");
        if (!report.Windows.Closed)
            return KeepRunning(input, report.Windows);
        if (report.Guardrails?.FirstOrDefault(guardrail => guardrail.State == GuardrailStates.Broken) is { } broken)
            return new LiftVerdict("roll-back", $"Roll back: the guardrail {broken.Metric} is broken. {broken.Sentence}");
        return Decide(input, report);
    }

    /// <summary>The disagreement set where it has an interval and enough conversions, else the headline.</summary>
    private static LiftNumber Deciding(LiftReport report) =>
        report.Number(LiftKeys.Disagreement) is { Lower: not null } sharp && Enough(sharp) ? sharp : report.Number(LiftKeys.Extra);

    private static bool Enough(LiftNumber number) =>
        number.Conversions is { } counts && Math.Min(counts.Control, counts.Treatment) >= SequentialCounts.FewestConversions;

    /// <summary>
    /// Campaign days like those so far that would be needed beyond them for a power of 80 %, were the effect the estimate: information grows with
    /// days as long as each brings as many impressions to customers not reached before. Null where the estimate is about 0.
    /// </summary>
    public static int? DaysMore(double estimate, double standardError, int days, double confidence)
    {
        double z = Math.Abs(estimate) / standardError;
        double needed = Estimate.CriticalValue(confidence) + Estimate.CriticalValue(2 * Power - 1), times = needed * needed / (z * z);
        return standardError > 0 && times <= LongestAnswer ? Math.Max(1, (int)Math.Ceiling(days * (times - 1))) : null;
    }

    private static LiftVerdict KeepRunning(LiftInput input, LiftWindows windows)
    {
        int days = Math.Max(1, (int)Math.Ceiling((windows.Closes!.Value - input.AsOf).TotalDays));
        return new LiftVerdict("keep-running", Invariant($"Keep running: about {days} {(days == 1 ? "day" : "days")} until the last window closes on {windows.Closes.Value.UtcDateTime:yyyy-MM-dd}; nothing is decided on open windows."))
        {
            Days = days,
        };
    }

    private static LiftVerdict Decide(LiftInput input, LiftReport report)
    {
        LiftNumber number = Deciding(report);
        if (number is not { Estimate: { } value, StandardError: { } error, Lower: { } lower, Upper: { } upper })
            return new LiftVerdict("no-data", $"No data: {number.Note ?? "the headline cannot be computed."}");
        if (report.Number(LiftKeys.Extra) is { Estimate: 0, StandardError: 0 })
            return new LiftVerdict("no-data", "No data: no core conversion came in either arm.");
        if (!Enough(number))
            return new LiftVerdict("cannot-tell", Invariant($"This campaign cannot tell the models apart: {number.Conversions?.Control:N0} core conversions in the control and {number.Conversions?.Treatment:N0} in the treatment, and nothing is decided below {SequentialCounts.FewestConversions} in each arm."));
        string interval = Invariant($"{value:+0.##;-0.##;0} core conversions per 1,000 impressions, {100 * input.Confidence:0.#} % interval {lower:+0.##;-0.##;0} to {upper:+0.##;-0.##;0}, {number.Method}");
        if (lower > 0)
            return Unheld(report) is { } unheld
                ? new LiftVerdict("cannot-tell", $"This campaign cannot tell whether to ship: the treatment model brings more ({interval}), but the guardrail {unheld}")
                : new LiftVerdict("ship", $"Ship: the treatment model brings more ({interval}).");
        if (upper < 0)
            return new LiftVerdict("roll-back", $"Roll back: the treatment model brings less ({interval}).");
        int? more = DaysMore(value, error, input.Waves.Count, input.Confidence);
        string outlook = more is { } days
            ? Invariant($"About {days:N0} more campaign {(days == 1 ? "day" : "days")} of this size, with customers not reached yet, would show an effect as large as the one observed four times out of five.")
            : "The observed effect is so near 0 that no sensible number of days more would tell.";
        return new LiftVerdict("cannot-tell", $"This campaign cannot tell the models apart: the interval covers 0 ({interval}). {outlook}") { Days = more };
    }

    /// <summary>What the first guardrail that is not held says, with the names of the others; null: all are held.</summary>
    private static string? Unheld(LiftReport report)
    {
        LiftGuardrail[] open = [.. (report.Guardrails ?? []).Where(guardrail => guardrail.State != GuardrailStates.Held)];
        return open.Length == 0 ? null : open[0].Sentence + (open.Length == 1 ? "" : $" Not held either: {string.Join(", ", open.Skip(1).Select(guardrail => guardrail.Metric))}.");
    }
}
