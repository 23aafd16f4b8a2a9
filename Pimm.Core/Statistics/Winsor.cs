namespace Pimm.Core.Statistics;

/// <summary>
/// Thresholds that cap extreme values at both ends, read from the arms together: an arm's own threshold would cut more where the treatment
/// moves the tail, and so bias the difference. With NonZero the percentiles are those of the values that are not zero, of use
/// where most customers have none.
/// </summary>
/// <param name="Lower">smaller values become this</param>
/// <param name="Upper">larger values become this</param>
/// <param name="NonZero">zeros took no part and stay zero</param>
public sealed record Winsor(double Lower, double Upper, bool NonZero)
{
    /// <param name="arms">the values of each arm</param>
    /// <param name="lowerShare">from 0 (no lower cap) to below upperShare</param>
    /// <param name="upperShare">up to 1 (no upper cap), for example 0.999</param>
    /// <exception cref="InputException">shares out of order or bounds, a value that is not finite, or no value to read from</exception>
    public static Winsor Pooled(IReadOnlyList<double[]> arms, double lowerShare = 0, double upperShare = 0.999, bool nonZero = false)
    {
        if (!(lowerShare >= 0 && lowerShare < upperShare && upperShare <= 1))
            throw new InputException(FormattableString.Invariant($"The percentiles {lowerShare} and {upperShare} are not possible; give shares with 0 ≤ lower < upper ≤ 1, for example 0 and 0.999."));
        double[] pooled = [.. arms.SelectMany(values => values).Where(value => !nonZero || value != 0)];
        if (pooled.Length == 0)
            throw new InputException(nonZero ? "No value differs from zero, so there is no percentile to cap at." : "There are no values to read a percentile from.");
        if (pooled.Any(value => !double.IsFinite(value)))
            throw new InputException("A value is not finite; give finite numbers.");
        Array.Sort(pooled);
        return new Winsor(Percentile(pooled, lowerShare), Percentile(pooled, upperShare), nonZero);
    }

    /// <summary>The capped values.</summary>
    public double[] Apply(double[] values) => Array.ConvertAll(values, value => NonZero && value == 0 ? 0 : Math.Clamp(value, Lower, Upper));

    /// <summary>Interpolated between the order statistics around share·(n − 1) (Hyndman and Fan's type 7).</summary>
    private static double Percentile(double[] sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)Math.Floor(place), above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
