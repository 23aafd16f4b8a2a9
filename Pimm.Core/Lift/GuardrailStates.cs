using System.Globalization;
using Pimm.Core.Campaigns;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>
/// Non-inferiority of the campaign's guardrails: held where the one-sided bound of the relative change on its worse side stays
/// within the margin, broken where even the better one lies beyond it, open between. Each bound holds at the report's confidence.
/// </summary>
internal static class GuardrailStates
{
    public const string Held = "held";
    public const string Broken = "broken";
    public const string Open = "open";

    public static IReadOnlyList<LiftGuardrail> Of(LiftInput input, LiftTally tally, AmountEstimates amounts) =>
        input.Guardrails.Select(guardrail => Of(guardrail, input.Confidence, level => Change(guardrail.Metric, level, input, tally, amounts))).ToArray();

    private static Estimate Change(string metric, double confidence, LiftInput input, LiftTally tally, AmountEstimates amounts)
    {
        if (metric == Guardrail.Amount)
            return amounts.Lift(confidence);
        if (metric == Guardrail.CoreConversion)
            return input.HasCustomerOutcomes ? ProportionComparison.RelativeLift(tally.Control.All, tally.Treatment.All, confidence)
                : Estimate.Unavailable("log-risk-ratio", "The outcomes of customers who were not reached are not known here.");
        if (metric == Guardrail.DeliveryRate)
            return input.HasDeliveryReport ? ProportionComparison.RelativeLift(StageLifts.DeliveredOf(tally.Control), StageLifts.DeliveredOf(tally.Treatment), confidence)
                : Estimate.Unavailable("log-risk-ratio", "The channel reports no deliveries.");
        return input.Funnel.FirstOrDefault(stage => stage.Stage == metric) is { } count
            ? ProportionComparison.RelativeLift(StageLifts.Of(metric, tally.Control, count.Control), StageLifts.Of(metric, tally.Treatment, count.Treatment), confidence)
            : Estimate.Unavailable("log-risk-ratio", $"Nobody counts \"{metric}\" in this campaign.");
    }

    private static LiftGuardrail Of(Guardrail guardrail, double confidence, Func<double, Estimate> interval)
    {
        bool fall = guardrail.Direction != Guardrail.LowerIsBetter;
        // One-sided bounds are defined above one half; a report at a lower confidence takes the lowest one.
        var level = new ConfidenceLevel(Math.Max(0.505, confidence), fall ? Alternative.Greater : Alternative.Less);
        NonInferiority judged = NonInferiority.Of(interval, guardrail.Margin, fall ? GuardrailDirection.MustNotFall : GuardrailDirection.MustNotRise, level.Confidence);
        Estimate change = interval(level.Interval);
        string state = judged.Shown == true ? Held : judged.Broken == true ? Broken : Open;
        return new LiftGuardrail(guardrail.Metric, guardrail.Margin, state, change.Value, change.Lower, change.Upper, change.Method, Sentence(guardrail, state, change, fall))
        {
            Direction = guardrail.Direction, PValue = judged.PValue,
        };
    }

    private static string Sentence(Guardrail guardrail, string state, Estimate change, bool fall)
    {
        (double? worst, double? best, string most, string least) = fall ? (change.Lower, change.Upper, "at least", "at most") : (change.Upper, change.Lower, "at most", "at least");
        string limit = Percent(fall ? -guardrail.Margin : guardrail.Margin);
        return state switch
        {
            Held => $"{guardrail.Metric} is not worse by {Percent(guardrail.Margin)} or more: its change is {most} {Percent(worst!.Value)}.",
            Broken => $"{guardrail.Metric} is worse than the margin allows: its change is {least} {Percent(best!.Value)}, the margin {limit}.",
            _ when change.Lower is null || change.Upper is null => $"{guardrail.Metric} cannot be judged: {change.Note ?? "it has no interval."}",
            _ => $"{guardrail.Metric} is undecided: its change lies between {Percent(change.Lower.Value)} and {Percent(change.Upper.Value)}, the margin is {limit}.",
        };
    }

    private static string Percent(double share) =>
        double.IsInfinity(share) ? share > 0 ? "∞" : "−∞" : (100 * share).ToString("0.0", CultureInfo.InvariantCulture).Replace('-', '−') + " %";
}
