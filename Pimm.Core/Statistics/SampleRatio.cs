using MathNet.Numerics;

namespace Pimm.Core.Statistics;

/// <summary>
/// Whether customers fell to the groups in the planned shares. A mismatch means that assignment or counting is broken: nothing
/// else about the experiment can be believed then (Fabijan and others, KDD 2019).
/// </summary>
/// <param name="Statistic">χ²; |z| of the normal methods; the observed share of the second group for the exact test</param>
/// <param name="Degrees">groups − 1</param>
/// <param name="PValue">two-sided</param>
public sealed record SampleRatio(double Statistic, int Degrees, double PValue)
{
    /// <summary>A p-value below this is an alarm, unless another is asked for: rare enough to look at every day.</summary>
    public const double Alarm = 0.001;

    /// <summary>The smallest share that a group may be planned to have: one in a trillion.</summary>
    public const double SmallestShare = 1e-12;

    /// <summary>As many customers as doubles count one by one.</summary>
    private const long MostCustomers = 1L << 53;

    /// <summary>
    /// Pearson's χ² of counts against shares. Weights are positive and need not sum to 1; a group that is no arm (a hold-out) is left out.
    /// Throws <see cref="InputException"/> for fewer than two groups, a negative count, no observation or more than 2^53, a share below
    /// <see cref="SmallestShare"/>.
    /// </summary>
    public static SampleRatio Of(IReadOnlyList<long> observed, IReadOnlyList<double> weights)
    {
        double[] shares = Shares(observed, weights);
        long total = observed.Sum();
        double statistic = 0;
        for (int i = 0; i < observed.Count; i++)
        {
            double expected = total * shares[i];
            statistic += (observed[i] - expected) * (observed[i] - expected) / expected;
        }
        return new SampleRatio(statistic, observed.Count - 1, Estimate.ChiSquareTail(statistic, observed.Count - 1));
    }

    /// <summary>The exact binomial test of two groups, two-sided: all counts no likelier than the one seen.</summary>
    public static SampleRatio Binomial(IReadOnlyList<long> observed, IReadOnlyList<double> weights)
    {
        double share = TwoShares(observed, weights)[1];
        return new SampleRatio((double)observed[1] / observed.Sum(), 1, new BinomialCounts(observed.Sum(), share).NoLikelier(observed[1]));
    }

    /// <summary>z = |k − np|/√(np(1−p)) of two groups; with the correction for continuity (|k − np| − ½, not below 0) in its place.</summary>
    public static SampleRatio Normal(IReadOnlyList<long> observed, IReadOnlyList<double> weights, bool corrected = false)
    {
        double share = TwoShares(observed, weights)[1], total = observed.Sum();
        double distance = Math.Abs(observed[1] - total * share);
        double z = (corrected ? Math.Max(0, distance - 0.5) : distance) / Math.Sqrt(total * share * (1 - share));
        return new SampleRatio(z, 1, Estimate.PValue(z));
    }

    /// <summary>The weights as shares that sum to 1, checked with the counts.</summary>
    internal static double[] Shares(IReadOnlyList<long> observed, IReadOnlyList<double> weights)
    {
        double[] shares = Shares(weights, observed.Count);
        if (observed.Any(count => count < 0) || observed.All(count => count == 0))
            throw new InputException("The observed counts must not be negative, and at least one must be positive.");
        CheckTotal(observed.Sum(count => (double)count));
        return shares;
    }

    /// <summary>Throws <see cref="InputException"/> for more customers than can be counted exactly.</summary>
    internal static void CheckTotal(double customers)
    {
        if (customers > MostCustomers)
            throw new InputException(FormattableString.Invariant($"The counts sum to {customers:0.####e+0}, more than can be compared; give at most 2^53 customers in all."));
    }

    /// <summary>The weights as shares that sum to 1. Throws <see cref="InputException"/> for fewer than two groups, a weight that is not positive and finite, weights that make no shares.</summary>
    internal static double[] Shares(IReadOnlyList<double> weights, int groups)
    {
        if (groups != weights.Count || groups < 2)
            throw new InputException($"{(groups == 1 ? "1 count was" : $"{groups} counts were")} given with {(weights.Count == 1 ? "1 weight" : $"{weights.Count} weights")}; give at least two counts and one weight for each.");
        for (int i = 0; i < groups; i++)
            if (!(weights[i] > 0) || !double.IsFinite(weights[i]))
                throw new InputException(FormattableString.Invariant($"Weight {i + 1} is {weights[i]}; every weight must be positive and finite: leave out groups that expect nobody."));
        double sum = weights.Sum(), smallest = weights.Min();
        if (!double.IsFinite(sum))
            throw new InputException("The weights sum to more than a double can hold; give smaller ones of the same proportions.");
        if (smallest / sum < SmallestShare)
            throw new InputException(FormattableString.Invariant($"A weight of {smallest} among weights that sum to {sum} expects nobody; give each group a share of at least {SmallestShare}, or leave it out."));
        return [.. weights.Select(weight => weight / sum)];
    }

    private static double[] TwoShares(IReadOnlyList<long> observed, IReadOnlyList<double> weights) => observed.Count == 2
        ? Shares(observed, weights)
        : throw new InputException($"{(observed.Count == 1 ? "1 count was" : $"{observed.Count} counts were")} given; this method compares exactly two: take chi-square.");
}

/// <summary>Successes among n independent trials of the same chance, strictly between 0 and 1.</summary>
internal readonly record struct BinomialCounts(long N, double Chance)
{
    // Counts as likely as the one seen differ from it by rounding alone.
    private const double Tie = 1e-7;

    public double LogMass(long k) => LogFactorials.Choose(N, k) + (k * Math.Log(Chance) + (N - k) * NearZero.LogOnePlus(-Chance));

    /// <summary>P(K ≤ k).</summary>
    public double AtMost(long k) => k < 0 ? 0 : k >= N ? 1 : SpecialFunctions.BetaRegularized(N - k, k + 1, 1 - Chance);

    /// <summary>P(K ≥ k).</summary>
    public double AtLeast(long k) => k <= 0 ? 1 : k > N ? 0 : SpecialFunctions.BetaRegularized(k, N - k + 1, Chance);

    /// <summary>The probability of all counts no likelier than k.</summary>
    public double NoLikelier(long k)
    {
        double seen = LogMass(k) + Tie, mean = N * Chance;
        if (k == mean)
            return 1;
        if (k < mean)
            return Math.Min(1, AtMost(k) + AtLeast(Hypergeometric.FirstBeyond((long)Math.Ceiling(mean), N, seen, LogMass)));
        // Mirrored: failures instead of successes.
        return new BinomialCounts(N, 1 - Chance).NoLikelier(N - k);
    }
}
