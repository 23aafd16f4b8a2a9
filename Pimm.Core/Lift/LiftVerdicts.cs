using Pimm.Core.Allocating;
using Pimm.Core.Statistics;
using static Pimm.Core.Lift.LiftSentences;

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
            return new LiftVerdict("no-data", LiftSentences.NobodyExported);
        if (report.Checks.FirstOrDefault(check => check.Alarm) is { } alarm)
            return new LiftVerdict("unhealthy", Say(CheckFailed, alarm.Name, alarm.Sentence));
        if (!input.HasCustomerOutcomes)
            return new LiftVerdict("no-data", NoOutcomes);
        if (!report.Windows.Closed)
            return KeepRunning(input, report.Windows);
        if (report.Guardrails?.FirstOrDefault(guardrail => guardrail.State == GuardrailStates.Broken) is { } broken)
            return new LiftVerdict("roll-back", Say(GuardrailBroken, broken.Metric, broken.Sentence));
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
        return new LiftVerdict("keep-running", Say(days == 1 ? KeepRunningDay : LiftSentences.KeepRunning, days, windows.Closes.Value.UtcDateTime))
        {
            Days = days,
        };
    }

    private static LiftVerdict Decide(LiftInput input, LiftReport report)
    {
        LiftNumber number = Deciding(report);
        if (number is not { Estimate: { } value, StandardError: { } error, Lower: { } lower, Upper: { } upper })
            return new LiftVerdict("no-data", Say(NoHeadline, number.Note ?? NoHeadlineKnown));
        if (report.Number(LiftKeys.Extra) is { Estimate: 0, StandardError: 0 })
            return new LiftVerdict("no-data", NoConversion);
        if (!Enough(number))
            return new LiftVerdict("cannot-tell", Say(TooFew, number.Conversions?.Control, number.Conversions?.Treatment, SequentialCounts.FewestConversions));
        string interval = Say(Interval, value, 100 * input.Confidence, lower, upper, number.Method);
        if (lower > 0)
            return Unheld(report) is { } unheld
                ? new LiftVerdict("cannot-tell", Say(ShipUnheld, interval, unheld))
                : new LiftVerdict("ship", Say(Ship, interval));
        if (upper < 0)
            return new LiftVerdict("roll-back", Say(RollBack, interval));
        int? more = DaysMore(value, error, input.Waves.Count, input.Confidence);
        string outlook = more is { } days ? Say(days == 1 ? MoreDay : MoreDays, days) : SoNearZero;
        return new LiftVerdict("cannot-tell", Say(CannotTell, interval, outlook)) { Days = more };
    }

    /// <summary>What the first guardrail that is not held says, with the names of the others; null: all are held.</summary>
    private static string? Unheld(LiftReport report)
    {
        LiftGuardrail[] open = [.. (report.Guardrails ?? []).Where(guardrail => guardrail.State != GuardrailStates.Held)];
        return open.Length == 0 ? null : open.Length == 1 ? open[0].Sentence : Say(NotHeldEither, open[0].Sentence, string.Join(", ", open.Skip(1).Select(guardrail => guardrail.Metric)));
    }
}
