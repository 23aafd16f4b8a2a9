using MathNet.Numerics;

namespace Pimm.Core.Statistics;

/// <summary>χ² of observed counts against expected shares.</summary>
public sealed record SampleRatio(double Statistic, int Degrees, double PValue)
{
    /// <summary>Weights are positive and need not sum to 1. Throws <see cref="InputException"/> for fewer than two groups, a negative count or no observation.</summary>
    public static SampleRatio Of(IReadOnlyList<long> observed, IReadOnlyList<double> weights)
    {
        if (observed.Count != weights.Count || observed.Count < 2)
            throw new InputException($"{observed.Count} counts were given with {weights.Count} weights; give at least two counts and one weight for each.");
        long total = observed.Sum();
        if (observed.Any(count => count < 0) || total == 0)
            throw new InputException("The observed counts must not be negative, and at least one must be positive.");
        if (weights.Any(weight => !(weight > 0) || double.IsInfinity(weight)))
            throw new InputException("Every weight must be positive and finite; leave out groups that expect nobody.");
        double sum = weights.Sum(), statistic = 0;
        for (int i = 0; i < observed.Count; i++)
        {
            double expected = total * weights[i] / sum;
            statistic += (observed[i] - expected) * (observed[i] - expected) / expected;
        }
        return new SampleRatio(statistic, observed.Count - 1, Estimate.ChiSquareTail(statistic, observed.Count - 1));
    }
}

/// <summary>Tests of a 2×2 table: two proportions against each other.</summary>
public static class TwoByTwo
{
    private const int SmallestExpected = 5;

    /// <summary>Pearson's χ² without correction; Fisher's exact test where a cell expects fewer than 5. Null with an empty group.</summary>
    public static double? PValue(Proportion first, Proportion second)
    {
        if (first.N == 0 || second.N == 0)
            return null;
        long total = first.N + second.N, hits = first.Conversions + second.Conversions;
        if (hits == 0 || hits == total)
            return 1;
        double smallest = (double)Math.Min(first.N, second.N) * Math.Min(hits, total - hits) / total;
        if (smallest < SmallestExpected)
            return Fisher(first, second);
        double pooled = (double)hits / total, difference = first.Rate!.Value - second.Rate!.Value;
        return Estimate.ChiSquareTail(difference * difference / (pooled * (1 - pooled) * (1.0 / first.N + 1.0 / second.N)), 1);
    }

    /// <summary>Fisher's exact test, two-sided: the sum of all tables no likelier than the one seen.</summary>
    public static double Fisher(Proportion first, Proportion second)
    {
        long hits = first.Conversions + second.Conversions, total = first.N + second.N;
        long lowest = Math.Max(0, hits - second.N), highest = Math.Min(hits, first.N);
        double LogTable(long x) => LogChoose(first.N, x) + LogChoose(second.N, hits - x) - LogChoose(total, hits);
        double seen = LogTable(first.Conversions) + 1e-7, sum = 0;
        for (long x = lowest; x <= highest; x++)
            if (LogTable(x) is var log && log <= seen)
                sum += Math.Exp(log);
        return Math.Min(1, sum);
    }

    /// <summary>Holm's step-down adjustment (1979): the family-wise error stays at the level an adjusted p is compared with.</summary>
    public static double[] Holm(IReadOnlyList<double> pValues)
    {
        int[] order = Enumerable.Range(0, pValues.Count).OrderBy(i => pValues[i]).ToArray();
        var adjusted = new double[pValues.Count];
        double largest = 0;
        for (int rank = 0; rank < order.Length; rank++)
        {
            largest = Math.Max(largest, Math.Min(1, (order.Length - rank) * pValues[order[rank]]));
            adjusted[order[rank]] = largest;
        }
        return adjusted;
    }

    private static double LogChoose(long n, long k) =>
        SpecialFunctions.GammaLn(n + 1.0) - SpecialFunctions.GammaLn(k + 1.0) - SpecialFunctions.GammaLn(n - k + 1.0);
}
