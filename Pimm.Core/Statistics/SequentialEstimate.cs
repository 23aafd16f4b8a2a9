namespace Pimm.Core.Statistics;

/// <summary>An estimate that may be looked at as often as wanted.</summary>
/// <param name="Estimate">value, standard error and always-valid bounds</param>
/// <param name="PValue">always valid: the smallest of all looks may be quoted</param>
/// <param name="Multiplier">what stands where a fixed test has z; null without a standard error</param>
public sealed record SequentialEstimate(Estimate Estimate, double? PValue, double? Multiplier)
{
    private const double MostLogRatio = 30;

    /// <summary>value ± multiplier·SE on the estimate's own scale.</summary>
    /// <param name="clock">so far, in the unit of the plan: customers of both groups, or conversions</param>
    /// <param name="plannedClock">N*, see <see cref="NormalMixture"/></param>
    /// <param name="lowest">the end of what is possible, given where only the upper bound is asked for</param>
    /// <param name="highest">the other end</param>
    public static SequentialEstimate Of(Estimate estimate, double clock, double plannedClock, ConfidenceLevel level,
        double lowest = double.NegativeInfinity, double highest = double.PositiveInfinity)
    {
        NormalMixture mixture = NormalMixture.Of(plannedClock, level);
        if (Missing(estimate, clock) is { } reason)
            return new(estimate with { Lower = null, Upper = null, Note = reason }, null, null);
        double value = estimate.Value!.Value, error = estimate.StandardError!.Value, multiplier = mixture.Multiplier(clock);
        Estimate bounds = estimate with { Lower = value - multiplier * error, Upper = value + multiplier * error };
        return new(level.Bounds(bounds, lowest, highest), mixture.PValue(clock, Towards(level, value / error)), multiplier);
    }

    /// <summary>A relative lift on the log scale: (1 + lift)·exp(± multiplier·SE/(1 + lift)) − 1. Its standard error is the lift's own.</summary>
    public static SequentialEstimate OfRatio(Estimate lift, double clock, double plannedClock, ConfidenceLevel level)
    {
        NormalMixture mixture = NormalMixture.Of(plannedClock, level);
        string? reason = Missing(lift, clock) ?? (lift.Value <= -1 ? "A lift of −100 % or less has no logarithm." : null);
        if (reason is not null)
            return new(lift with { Lower = null, Upper = null, Note = reason }, null, null);
        double ratio = 1 + lift.Value!.Value;
        return OfLogarithm(lift, Math.Log(ratio), lift.StandardError!.Value / ratio, clock, mixture, level);
    }

    /// <summary>The same of a log risk ratio and its own standard error, from elsewhere; the answer is the relative lift, exp(ln RR) − 1, with the lift's standard error.</summary>
    /// <param name="logRatio">between −30 and 30</param>
    /// <param name="standardError">of the log risk ratio, 0 or more</param>
    public static SequentialEstimate OfLogRatio(double logRatio, double standardError, double clock, double plannedClock, ConfidenceLevel level)
    {
        if (!(Math.Abs(logRatio) <= MostLogRatio))
            throw new InputException(FormattableString.Invariant($"A log risk ratio of {logRatio} is not possible; give the natural logarithm of the ratio, between -{MostLogRatio} and {MostLogRatio}."));
        NormalMixture mixture = NormalMixture.Of(plannedClock, level);
        var lift = new Estimate(NearZero.ExpMinusOne(logRatio), Math.Exp(logRatio) * standardError, null, null, "given");
        return Missing(lift, clock) is { } reason
            ? new(lift with { Note = reason }, null, null)
            : OfLogarithm(lift, logRatio, standardError, clock, mixture, level);
    }

    private static SequentialEstimate OfLogarithm(Estimate lift, double log, double error, double clock, NormalMixture mixture, ConfidenceLevel level)
    {
        double multiplier = mixture.Multiplier(clock), half = multiplier * error;
        Estimate bounds = lift with { Lower = NearZero.ExpMinusOne(log - half), Upper = NearZero.ExpMinusOne(log + half) };
        return new(level.Bounds(bounds, lowest: -1), mixture.PValue(clock, Towards(level, log / error)), multiplier);
    }

    private static double Towards(ConfidenceLevel level, double z) => level.Alternative == Alternative.Less ? -z : z;

    private static string? Missing(Estimate estimate, double clock) =>
        estimate.Value is null || estimate.StandardError is null ? estimate.Note ?? "There is no standard error."
        : !(estimate.StandardError > 0) ? "Nothing varies within either group, so there is no bound."
        : clock <= 0 ? "Nothing has been counted yet." : null;
}
