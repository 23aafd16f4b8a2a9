using MathNet.Numerics.Distributions;

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

    /// <summary>The rate as a mean of zeros and ones, variance p(1−p); null without customers.</summary>
    public SampleMean? Sample => Rate is { } p ? new SampleMean(N, p, p * (1 - p)) : null;

    /// <summary>Wilson's score interval (1927); its standard error is Wald's √(p(1−p)/n).</summary>
    public Estimate Wilson(double confidence = 0.95)
    {
        if (N == 0)
            return Estimate.Unavailable("wilson", "There are no customers.");
        (double lower, double upper) = WilsonBounds(Rate!.Value, N, Estimate.CriticalValue(confidence));
        return Between(lower, upper, "wilson");
    }

    /// <summary>Clopper and Pearson's exact interval (1934): covers at least its confidence at every rate, and so is the widest.</summary>
    public Estimate ClopperPearson(double confidence = 0.95)
    {
        if (N == 0)
            return Estimate.Unavailable("clopper-pearson", "There are no customers.");
        double tail = Tail(confidence);
        double lower = Conversions == 0 ? 0 : BetaQuantile(Conversions, N - Conversions + 1.0, tail);
        double upper = Conversions == N ? 1 : 1 - BetaQuantile(N - Conversions, Conversions + 1.0, tail);
        return Between(lower, upper, "clopper-pearson");
    }

    /// <summary>Equal tails of the posterior from Jeffreys' prior Beta(½, ½) (Brown, Cai and DasGupta 2001, without their change at 0 and N).</summary>
    public Estimate Jeffreys(double confidence = 0.95)
    {
        if (N == 0)
            return Estimate.Unavailable("jeffreys", "There are no customers.");
        double tail = Tail(confidence), hits = Conversions + 0.5, misses = N - Conversions + 0.5;
        return Between(BetaQuantile(hits, misses, tail), 1 - BetaQuantile(misses, hits, tail), "jeffreys");
    }

    /// <summary>Agresti and Coull's interval (1998): Wald's after adding z²/2 conversions among z² customers, cut to [0, 1].</summary>
    public Estimate AgrestiCoull(double confidence = 0.95)
    {
        if (N == 0)
            return Estimate.Unavailable("agresti-coull", "There are no customers.");
        double z = Estimate.CriticalValue(confidence), n = N + z * z, p = (Conversions + z * z / 2) / n, half = z * Math.Sqrt(p * (1 - p) / n);
        return Between(Math.Max(0, p - half), Math.Min(1, p + half), "agresti-coull");
    }

    /// <summary>p ± z·√(p(1−p)/n), cut to [0, 1]. It says nothing at 0 conversions or N: take Wilson's.</summary>
    public Estimate Wald(double confidence = 0.95)
    {
        if (N == 0)
            return Estimate.Unavailable("wald", "There are no customers.");
        double p = Rate!.Value, half = Estimate.CriticalValue(confidence) * Math.Sqrt(p * (1 - p) / N);
        return Between(Math.Max(0, p - half), Math.Min(1, p + half), "wald");
    }

    private Estimate Between(double lower, double upper, string method) =>
        new(Rate, Math.Sqrt(Rate!.Value * (1 - Rate.Value) / N), lower, upper, method);

    private static double Tail(double confidence)
    {
        _ = Estimate.CriticalValue(confidence);
        return (1 - confidence) / 2;
    }

    private static double BetaQuantile(double a, double b, double share) => Beta.InvCDF(a, b, share);

    /// <summary>The interval of a rate from n customers, n also an effective number that is not whole.</summary>
    internal static (double Lower, double Upper) WilsonBounds(double rate, double n, double z)
    {
        double z2 = z * z / n, centre = (rate + z2 / 2) / (1 + z2);
        double half = z * Math.Sqrt(rate * (1 - rate) / n + z2 / (4 * n)) / (1 + z2);
        return (rate <= 0 ? 0 : centre - half, rate >= 1 ? 1 : centre + half);
    }
}
