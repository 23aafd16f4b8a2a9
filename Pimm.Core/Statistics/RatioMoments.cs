namespace Pimm.Core.Statistics;

/// <summary>
/// Sums over customers of a ratio metric R = Σ numerator ÷ Σ denominator, for example orders per visit: the customer is the unit
/// of assignment, the visit is not. Cross: Σ numerator·denominator.
/// </summary>
public sealed record RatioMoments(Moments Numerator, Moments Denominator, double Cross)
{
    /// <summary>
    /// The ratio with the variance of the linearised values (M − R·D)/D̄: (s²_M − 2R·s_MD + R²·s²_D)/D̄² (Deng, Knoblich and Lu 2018).
    /// Null with fewer than two customers or a denominator that sums to zero. Throws <see cref="InputException"/> for sums
    /// that no data have.
    /// </summary>
    public SampleMean? Linearised()
    {
        if (Numerator.N < 2 || Denominator.Sum == 0)
            return null;
        double covariance = Numerator.Covariance(Denominator, Cross), mean = Denominator.Mean!.Value, ratio = Numerator.Sum / Denominator.Sum;
        double variance = Numerator.Variance!.Value - 2 * ratio * covariance + ratio * ratio * Denominator.Variance!.Value;
        return new SampleMean(Numerator.N, ratio, Math.Max(0, variance) / (mean * mean));
    }
}
