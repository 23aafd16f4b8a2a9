namespace Pimm.Core.Statistics;

/// <summary>Tests of a 2×2 table: two proportions against each other. Without customers in a group or without any difference in outcomes p is 1.</summary>
public static class TwoByTwo
{
    private const int SmallestExpected = 5;

    /// <summary>Pearson's χ² without correction; Fisher's exact test where a cell expects fewer than 5. Null with an empty group.</summary>
    public static double? PValue(Proportion first, Proportion second)
    {
        if (Pearson(first, second) is not { } root)
            return null;
        long total = first.N + second.N, hits = first.Conversions + second.Conversions;
        double smallest = (double)Math.Min(first.N, second.N) * Math.Min(hits, total - hits) / total;
        return smallest < SmallestExpected ? Fisher(first, second) : Estimate.PValue(root);
    }

    /// <summary>
    /// The square root of Pearson's χ² (1900) with the sign of second − first: the normal statistic with pooled variance. Yates' correction
    /// (1934) takes ½ from each cell's distance, never past 0. 0 where all or none convert; null with an empty group.
    /// </summary>
    public static double? Pearson(Proportion first, Proportion second, bool yates = false)
    {
        if (first.Rate is not { } a || second.Rate is not { } b)
            return null;
        double total = (double)first.N + second.N, pooled = ((double)first.Conversions + second.Conversions) / total;
        if (pooled is 0 or 1)
            return 0;
        double pairs = 1.0 / first.N + 1.0 / second.N, distance = Math.Abs(b - a);
        // ½ a cell is ½(1/n₁ + 1/n₂) of the difference of rates.
        double nearer = yates ? Math.Max(0, distance - 0.5 * pairs) : distance;
        return Math.Sign(b - a) * nearer / Math.Sqrt(pooled * (1 - pooled) * pairs);
    }

    /// <summary>The square root of G = 2Σ O·ln(O/E) (Wilks 1938), with the sign of second − first. 0 where all or none convert; null with an empty group.</summary>
    public static double? LikelihoodRatio(Proportion first, Proportion second)
    {
        if (first.Rate is not { } a || second.Rate is not { } b)
            return null;
        double pooled = ((double)first.Conversions + second.Conversions) / ((double)first.N + second.N);
        double Cells(Proportion group) => Cell(group.Conversions, group.N * pooled) + Cell(group.N - group.Conversions, group.N * (1 - pooled));
        return Math.Sign(b - a) * Math.Sqrt(Math.Max(0, 2 * (Cells(first) + Cells(second))));
    }

    /// <summary>
    /// Fisher's exact test (1935) given both margins. Two-sided: the sum of all tables no likelier than the one seen; greater: of those with as
    /// many conversions in the second group or more.
    /// </summary>
    public static double Fisher(Proportion first, Proportion second, Alternative alternative = Alternative.TwoSided)
    {
        var counts = Hypergeometric.Of(first, second);
        return alternative switch
        {
            Alternative.Greater => counts.AtLeast(second.Conversions),
            Alternative.Less => counts.AtMost(second.Conversions),
            _ => counts.NoLikelier(second.Conversions),
        };
    }

    private static double Cell(double observed, double expected) => observed == 0 ? 0 : observed * Math.Log(observed / expected);
}
