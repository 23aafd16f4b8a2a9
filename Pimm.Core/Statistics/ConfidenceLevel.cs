using MathNet.Numerics.Distributions;

namespace Pimm.Core.Statistics;

/// <summary>What a test looks for: any difference, a larger treatment, a smaller treatment.</summary>
public enum Alternative
{
    TwoSided,
    Greater,
    Less,
}

/// <summary>
/// How sure an interval is to hold the truth, and on which side it looks. Two-sided: both bounds, equal tails. Greater: the lower
/// bound alone, which the truth exceeds with this confidence. Less: the upper bound alone.
/// </summary>
public sealed record ConfidenceLevel
{
    /// <param name="confidence">strictly between 0 and 1; above 0.5 for a one-sided bound</param>
    /// <exception cref="InputException">a confidence out of bounds</exception>
    public ConfidenceLevel(double confidence = 0.95, Alternative alternative = Alternative.TwoSided)
    {
        _ = Estimate.CriticalValue(confidence);
        if (alternative != Alternative.TwoSided && confidence <= 0.5)
            throw new InputException(FormattableString.Invariant($"Confidence {confidence} is too small for a one-sided bound; give one above 0.5, for example 0.95 for 95 %."));
        Confidence = confidence;
        Alternative = alternative;
    }

    public double Confidence { get; }

    public Alternative Alternative { get; }

    /// <summary>The confidence of the equal-tailed interval that has the wanted bound: 0.9 for a one-sided 0.95.</summary>
    public double Interval => Alternative == Alternative.TwoSided ? Confidence : 2 * Confidence - 1;

    /// <summary>p of a statistic that is standard normal under the null and grows with the treatment.</summary>
    public double PValue(double z) => Tails(Normal.CDF(0, 1, -Math.Abs(z)), z);

    /// <summary>The same of Student's t; more than ten million degrees of freedom are the normal.</summary>
    public double PValue(double t, double degrees) =>
        degrees > TestedEstimate.NormalAbove ? PValue(t) : Tails(StudentT.CDF(0, 1, degrees, -Math.Abs(t)), t);

    /// <summary>An estimate at confidence <see cref="Interval"/> with the bound that is not asked for at the end of what is possible.</summary>
    public Estimate Bounds(Estimate interval, double lowest = double.NegativeInfinity, double highest = double.PositiveInfinity) => Alternative switch
    {
        Alternative.Greater when interval.Lower is not null => interval with { Upper = highest },
        Alternative.Less when interval.Upper is not null => interval with { Lower = lowest },
        _ => interval,
    };

    private double Tails(double beyond, double statistic) => Alternative switch
    {
        Alternative.TwoSided => Math.Min(1, 2 * beyond),
        Alternative.Greater => statistic >= 0 ? beyond : 1 - beyond,
        _ => statistic <= 0 ? beyond : 1 - beyond,
    };
}
