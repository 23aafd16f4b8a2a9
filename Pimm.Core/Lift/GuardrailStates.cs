using System.Globalization;
using Pimm.Core.Campaigns;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>
/// Non-inferiority of the campaign's guardrails: held where the lower one-sided bound of the relative change lies above −margin,
/// broken where the upper one lies below it, open between. Each bound holds at the report's confidence.
/// </summary>
internal static class GuardrailStates
{
    public const string Held = "held";
    public const string Broken = "broken";
    public const string Open = "open";

    public static IReadOnlyList<LiftGuardrail> Of(LiftInput input, LiftTally tally, AmountEstimates amounts) =>
        input.Guardrails.Select(guardrail => Of(guardrail, Change(guardrail.Metric, input, tally, amounts))).ToArray();

    private static Estimate Change(string metric, LiftInput input, LiftTally tally, AmountEstimates amounts)
    {
        // Both one-sided bounds at the confidence c are the two-sided interval's at 2c − 1.
        double confidence = Math.Max(0.01, 2 * input.Confidence - 1);
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

    private static LiftGuardrail Of(Guardrail guardrail, Estimate change)
    {
        string state = change.Lower > -guardrail.Margin ? Held : change.Upper < -guardrail.Margin ? Broken : Open;
        string bound = Percent(-guardrail.Margin);
        string sentence = state switch
        {
            Held => $"{guardrail.Metric} is not worse by {Percent(guardrail.Margin)} or more: its change is at least {Percent(change.Lower!.Value)}.",
            Broken => $"{guardrail.Metric} is worse than the margin allows: its change is at most {Percent(change.Upper!.Value)}, the margin {bound}.",
            _ when change.Lower is null || change.Upper is null => $"{guardrail.Metric} cannot be judged: {change.Note ?? "it has no interval."}",
            _ => $"{guardrail.Metric} is undecided: its change lies between {Percent(change.Lower.Value)} and {Percent(change.Upper.Value)}, the margin is {bound}.",
        };
        return new LiftGuardrail(guardrail.Metric, guardrail.Margin, state, change.Value, change.Lower, change.Upper, change.Method, sentence);
    }

    private static string Percent(double share) =>
        double.IsInfinity(share) ? share > 0 ? "∞" : "−∞" : (100 * share).ToString("0.0", CultureInfo.InvariantCulture).Replace('-', '−') + " %";
}
