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
        double z = Estimate.CriticalValue(confidence), p = Rate!.Value, z2 = z * z / N;
        double centre = (p + z2 / 2) / (1 + z2);
        double half = z * Math.Sqrt(p * (1 - p) / N + z2 / (4 * N)) / (1 + z2);
        return new Estimate(p, Math.Sqrt(p * (1 - p) / N), Conversions == 0 ? 0 : centre - half, Conversions == N ? 1 : centre + half, "wilson");
    }
}
