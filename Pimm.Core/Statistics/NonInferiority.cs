namespace Pimm.Core.Statistics;

/// <summary>Which way a guardrail must not move.</summary>
public enum GuardrailDirection
{
    /// <summary>A fall is harm: conversions, amounts.</summary>
    MustNotFall,

    /// <summary>A rise is harm: opt-outs, complaints.</summary>
    MustNotRise,
}

/// <summary>
/// Whether a guardrail is no worse than by a margin agreed beforehand (ICH E9 3.3.2; Schuirmann 1987): harm &lt; margin is shown
/// when the one-sided bound of the effect, at the test's confidence, stays on the good side of the margin. "No significant
/// harm" shows nothing: a small test finds none anywhere.
/// </summary>
/// <param name="Bound">the one-sided bound on the harmful side, of the effect: the lower one where it must not fall</param>
/// <param name="Limit">−margin where it must not fall, +margin where it must not rise</param>
/// <param name="Shown">the bound is strictly better than the limit; null without a bound</param>
/// <param name="PValue">the smallest 1 − confidence at which it would be shown; below it exactly where Shown</param>
/// <param name="Broken">the opposite one-sided bound lies beyond the limit: harm above the margin is shown; null without that bound</param>
public sealed record NonInferiority(double? Bound, double Limit, bool? Shown, double? PValue, string? Note, bool? Broken)
{
    /// <summary>Of any effect that has an interval at every confidence.</summary>
    /// <param name="interval">the two-sided interval of the effect at a confidence, wider at a higher one</param>
    /// <param name="margin">positive, in the unit of the effect: 0.02 of a relative lift = 2 %</param>
    /// <param name="confidence">one-sided, above .5</param>
    public static NonInferiority Of(Func<double, Estimate> interval, double margin, GuardrailDirection direction, double confidence = 0.95)
    {
        if (!(margin > 0) || double.IsInfinity(margin))
            throw new InputException($"A margin of {margin} is not possible; give the harm that would still be accepted, above 0.");
        bool fall = direction == GuardrailDirection.MustNotFall;
        var level = new ConfidenceLevel(confidence, fall ? Alternative.Greater : Alternative.Less);
        double limit = fall ? -margin : margin;
        Estimate estimate = interval(level.Interval);
        bool? broken = HarmfulEnd(estimate, !fall) is not { } other ? null : fall ? other < limit : other > limit;
        if (HarmfulEnd(estimate, fall) is not { } bound)
            return new(null, limit, null, null, estimate.Note ?? "There is no interval.", broken);
        return new(bound, limit, fall ? bound > limit : bound < limit, PValueOf(interval, limit, fall), estimate.Note, broken);
    }

    /// <summary>Of a relative lift of proportions: the log risk ratio, Koopman's bound below 30 conversions in either group.</summary>
    /// <param name="margin">below 1 where the rate must not fall</param>
    public static NonInferiority OfLift(
        Proportion control, Proportion treatment, double margin, GuardrailDirection direction, double confidence = 0.95) =>
        direction == GuardrailDirection.MustNotFall && margin >= 1
            ? throw new InputException($"A margin of {margin} lets the rate fall to nothing; give one below 1, for example 0.02.")
            : Of(level => ProportionComparison.RelativeLift(control, treatment, level), margin, direction, confidence);

    private static double? HarmfulEnd(Estimate estimate, bool fall) => fall ? estimate.Lower : estimate.Upper;

    /// <summary>Bounds at one-sided confidences below .5 are the other bound's: the estimate itself lies on the wrong side.</summary>
    private static double? PValueOf(Func<double, Estimate> interval, double limit, bool fall)
    {
        // Not symmetric: a half, where no interval is left, is met only where the estimate is the limit.
        double low = 1e-12, high = 1 - 3e-12;
        for (int i = 0; i < 60; i++)
        {
            double tail = (low + high) / 2, confidence = Math.Abs(1 - 2 * tail);
            if (confidence == 0)
                return tail;
            if (HarmfulEnd(interval(confidence), fall == tail < 0.5) is not { } bound)
                return null;
            if (fall ? bound > limit : bound < limit)
                high = tail;
            else
                low = tail;
        }
        return high;
    }
}
