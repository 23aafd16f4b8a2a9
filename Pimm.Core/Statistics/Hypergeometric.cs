namespace Pimm.Core.Statistics;

/// <summary>Conversions of the second of two groups when the conversions of both together are known and fall at random.</summary>
internal readonly record struct Hypergeometric(long First, long Second, long Hits)
{
    // Tables as likely as the one seen differ from it by rounding alone.
    private const double Tie = 1e-7;

    // What is left of a tail after a term this much smaller than its sum is below rounding.
    private const double Negligible = 1e-18;

    public static Hypergeometric Of(Proportion first, Proportion second) => new(first.N, second.N, first.Conversions + second.Conversions);

    public long Lowest => Math.Max(0, Hits - First);

    public long Highest => Math.Min(Hits, Second);

    public double LogMass(long x) => LogFactorials.Choose(Second, x) + LogFactorials.Choose(First, Hits - x) - LogFactorials.Choose(First + Second, Hits);

    /// <summary>P(X ≥ x).</summary>
    public double AtLeast(long x) =>
        x <= Lowest ? 1 : x > Highest ? 0 : x > Mode ? Rising(x) : Math.Max(0, 1 - Falling(x - 1));

    /// <summary>P(X ≤ x).</summary>
    public double AtMost(long x) =>
        x >= Highest ? 1 : x < Lowest ? 0 : x < Mode ? Falling(x) : Math.Max(0, 1 - Rising(x + 1));

    /// <summary>The probability of all counts no likelier than x.</summary>
    public double NoLikelier(long x)
    {
        double seen = LogMass(x) + Tie;
        long mode = Mode;
        if (LogMass(mode) <= seen)
            return 1;
        if (x > mode)
            return Math.Min(1, AtLeast(x) + AtMost(Last(Lowest, mode, seen)));
        return Math.Min(1, AtMost(x) + AtLeast(FirstBeyond(mode, Highest, seen, LogMass)));
    }

    private long Mode => Math.Clamp((long)Math.Floor((Second + 1.0) * (Hits + 1.0) / (First + Second + 2.0)), Lowest, Highest);

    /// <summary>The last count from low to high, where mass rises, that is no likelier than seen; low − 1 without one.</summary>
    private long Last(long low, long high, double seen)
    {
        long before = low - 1;
        while (before < high)
        {
            long middle = before + (high - before + 1) / 2;
            if (LogMass(middle) <= seen)
                before = middle;
            else
                high = middle - 1;
        }
        return before;
    }

    /// <summary>The first count from low to high, where mass falls, that is no likelier than seen; high + 1 without one.</summary>
    internal static long FirstBeyond(long low, long high, double seen, Func<long, double> logMass)
    {
        long end = high + 1;
        while (low < end)
        {
            long middle = low + (end - low) / 2;
            if (logMass(middle) <= seen)
                end = middle;
            else
                low = middle + 1;
        }
        return low;
    }

    /// <summary>The upper tail from x on, beyond the mode.</summary>
    private double Rising(long x)
    {
        double term = 1, sum = 1;
        for (long k = x; k < Highest && term > Negligible * sum; k++)
            sum += term *= (double)(Second - k) * (Hits - k) / ((k + 1.0) * (First - Hits + k + 1.0));
        return Math.Min(1, sum * Math.Exp(LogMass(x)));
    }

    /// <summary>The lower tail down from x, before the mode.</summary>
    private double Falling(long x)
    {
        double term = 1, sum = 1;
        for (long k = x; k > Lowest && term > Negligible * sum; k--)
            sum += term *= k * (double)(First - Hits + k) / ((Second - k + 1.0) * (Hits - k + 1.0));
        return Math.Min(1, sum * Math.Exp(LogMass(x)));
    }
}
