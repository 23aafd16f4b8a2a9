namespace Pimm.Core.Statistics;

/// <summary>Number, sum and sum of squares of a group's values; the variance has n − 1 below it.</summary>
public readonly record struct Moments(long N, double Sum, double SumSquares)
{
    /// <summary>What rounding may add to or take from a sum of squares, as a share of it.</summary>
    private const double Rounding = 1e-9;

    /// <summary>Sums that come from elsewhere. Throws <see cref="InputException"/> where no values have them: their variance would be negative.</summary>
    public static Moments OfSums(long n, double sum, double sumSquares)
    {
        if (n < 1)
            throw new InputException($"There are {n} customers; a mean needs at least one.");
        if (!double.IsFinite(sum) || !double.IsFinite(sumSquares) || !double.IsFinite(sum * sum))
            throw new InputException(FormattableString.Invariant($"Sum {sum} and sum of squares {sumSquares} of {n} customers must be finite numbers whose squares are finite too."));
        if (sumSquares - sum * sum / n < -Rounding * Math.Abs(sumSquares) || sumSquares < 0)
            throw new InputException(FormattableString.Invariant($"Sum {sum} and sum of squares {sumSquares} of {n} customers give a negative variance; the sum of squares is at least sum²/n = {sum * sum / n}."));
        return new Moments(n, sum, sumSquares);
    }

    public Moments Plus(double value) => new(N + 1, Sum + value, SumSquares + value * value);

    public Moments Plus(Moments other) => new(N + other.N, Sum + other.Sum, SumSquares + other.SumSquares);

    public double? Mean => N == 0 ? null : Sum / N;

    public double? Variance => N < 2 ? null : Math.Max(0, (SumSquares - Sum * Sum / N) / (N - 1));

    /// <summary>Null with fewer than two customers.</summary>
    public SampleMean? Sample => Variance is { } variance ? new SampleMean(N, Sum / N, variance) : null;

    /// <summary>
    /// Covariance (n − 1 below it) of these values and others of the same, at least two customers, from the sum of the products.
    /// Throws <see cref="InputException"/> for a sum that makes them correlate by more than 1.
    /// </summary>
    public double Covariance(Moments other, double cross)
    {
        double covariance = (cross - Sum * other.Sum / N) / (N - 1);
        double most = Math.Sqrt(Variance!.Value * other.Variance!.Value), rounding = Rounding * Math.Sqrt(SumSquares * other.SumSquares) / (N - 1);
        if (!(Math.Abs(covariance) <= most * (1 + Rounding) + rounding))
            throw new InputException(FormattableString.Invariant($"A sum of products of {cross} makes two values of {N} customers correlate by more than 1; the covariance {covariance} is at most {most}."));
        return Math.Clamp(covariance, -most, most);
    }

    /// <summary>Mean of the treatment − mean of the control, Welch's standard error and Student's interval with his degrees of freedom.</summary>
    public static Estimate Welch(Moments control, Moments treatment, double confidence = 0.95) =>
        control.Sample is { } c && treatment.Sample is { } t
            ? MeanComparison.Welch(c, t, confidence).Estimate
            : Estimate.Unavailable("welch", "Each arm needs at least two customers.");
}
