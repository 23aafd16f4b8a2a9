using System.Globalization;
using Pimm.Core.Campaigns;
using Pimm.Core.Statistics;
using static Pimm.Core.Lift.LiftSentences;

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
                : Estimate.Unavailable("log-risk-ratio", NotReachedUnknown);
        if (metric == Guardrail.DeliveryRate)
            return input.HasDeliveryReport ? ProportionComparison.RelativeLift(StageLifts.DeliveredOf(tally.Control), StageLifts.DeliveredOf(tally.Treatment), confidence)
                : Estimate.Unavailable("log-risk-ratio", NoDeliveries);
        return input.Funnel.FirstOrDefault(stage => stage.Stage == metric) is { } count
            ? ProportionComparison.RelativeLift(StageLifts.Of(metric, tally.Control, count.Control), StageLifts.Of(metric, tally.Treatment, count.Treatment), confidence)
            : Estimate.Unavailable("log-risk-ratio", Say(GuardrailNotCounted, metric));
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
        (double? worst, double? best, string most, string least) = fall ? (change.Lower, change.Upper, AtLeast, AtMost) : (change.Upper, change.Lower, AtMost, AtLeast);
        string limit = Percent(fall ? -guardrail.Margin : guardrail.Margin);
        return state switch
        {
            Held => Say(GuardrailHeld, guardrail.Metric, Percent(guardrail.Margin), most, Percent(worst!.Value)),
            Broken => Say(GuardrailWorse, guardrail.Metric, least, Percent(best!.Value), limit),
            _ when change.Lower is null || change.Upper is null => Say(GuardrailUnjudged, guardrail.Metric, change.Note ?? NoInterval),
            _ => Say(GuardrailOpen, guardrail.Metric, Percent(change.Lower.Value), Percent(change.Upper.Value), limit),
        };
    }

    private static string Percent(double share) =>
        double.IsInfinity(share) ? share > 0 ? "∞" : "−∞" : (100 * share).ToString("0.0", CultureInfo.InvariantCulture).Replace('-', '−') + " %";
}
