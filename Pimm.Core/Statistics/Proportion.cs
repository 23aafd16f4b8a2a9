namespace Pimm.Core.Statistics;

/// <summary>Conversions among N customers. Throws <see cref="InputException"/> unless 0 ≤ conversions ≤ N.</summary>
public readonly record struct Proportion
{
    public Proportion(long n, long conversions)
    {
        if (n < 0 || conversions < 0 || conversions > n)
            throw new InputException($"{conversions} conversions among {n} customers are impossible; conversions must lie between 0 and the number of customers.");
        N = n;
        Conversions = conversions;
    }

    public long N { get; }

    public long Conversions { get; }

    /// <summary>Conversions ÷ N, null without customers.</summary>
    public double? Rate => N == 0 ? null : (double)Conversions / N;

    /// <summary>Wilson's score interval (1927); its standard error is Wald's √(p(1−p)/n).</summary>
    public Estimate Wilson(double confidence = 0.95)
    {
        if (N == 0)
            return Estimate.Unavailable("wilson", "There are no customers.");
        double p = Rate!.Value;
        (double lower, double upper) = WilsonBounds(p, N, Estimate.CriticalValue(confidence));
        return new Estimate(p, Math.Sqrt(p * (1 - p) / N), lower, upper, "wilson");
    }

    /// <summary>The interval of a rate from n customers, n also an effective number that is not whole.</summary>
    internal static (double Lower, double Upper) WilsonBounds(double rate, double n, double z)
    {
        double z2 = z * z / n, centre = (rate + z2 / 2) / (1 + z2);
        double half = z * Math.Sqrt(rate * (1 - rate) / n + z2 / (4 * n)) / (1 + z2);
        return (rate <= 0 ? 0 : centre - half, rate >= 1 ? 1 : centre + half);
    }
}
