namespace Pimm.Core.Statistics;

/// <summary>
/// Exact tests of two independent proportions that fix the customers of each group alone: the probability of all tables as extreme
/// as the one seen, at the common rate where it is greatest. At most <see cref="MostCustomers"/> in a group; p is 1 with an empty group.
/// </summary>
public static class UnconditionalExact
{
    /// <summary>Above this the tests of χ² agree with these to more digits than matter.</summary>
    public const long MostCustomers = 100_000;

    // Tables as extreme as the one seen differ from it by rounding alone.
    private const double Tie = 1e-10;

    /// <summary>Barnard's test (1947) ordered by the difference over its pooled standard error; two-sided by the absolute value.</summary>
    public static double Barnard(Proportion first, Proportion second, Alternative alternative = Alternative.TwoSided)
    {
        Check(first, second);
        if (TwoByTwo.Pearson(first, second) is not { } seen)
            return 1;
        if (alternative == Alternative.TwoSided && seen == 0)
            return 1;
        double most = alternative == Alternative.TwoSided ? Math.Abs(seen) : seen, slack = Tie * Math.Max(1, Math.Abs(seen));
        double Statistic(long a, long b) => TwoByTwo.Pearson(new Proportion(first.N, a), new Proportion(second.N, b))!.Value;
        int[] atLeast = alternative == Alternative.Less ? [] : ExtremeTables.Upper(first.N, second.N, (a, b) => Statistic(a, b) >= most - slack);
        double least = alternative == Alternative.TwoSided ? -most : seen;
        int[] atMost = alternative == Alternative.Greater ? [] : ExtremeTables.Lower(first.N, second.N, (a, b) => Statistic(a, b) <= least + slack);
        return new ExtremeTables((int)first.N, (int)second.N, atLeast, atMost).GreatestProbability();
    }

    /// <summary>Boschloo's test (1970), ordered by Fisher's one-sided p; two-sided it is twice the smaller one-sided p, at most 1.</summary>
    public static double Boschloo(Proportion first, Proportion second, Alternative alternative = Alternative.TwoSided)
    {
        Check(first, second);
        if (first.N == 0 || second.N == 0)
            return 1;
        return alternative switch
        {
            Alternative.Greater => Boschloo(first, second),
            Alternative.Less => Boschloo(second, first),
            _ => Math.Min(1, 2 * Math.Min(Boschloo(first, second), Boschloo(second, first))),
        };
    }

    private static double Boschloo(Proportion first, Proportion second)
    {
        double Fisher(long a, long b) => TwoByTwo.Fisher(new Proportion(first.N, a), new Proportion(second.N, b), Alternative.Greater);
        double most = Fisher(first.Conversions, second.Conversions) * (1 + Tie);
        return new ExtremeTables((int)first.N, (int)second.N, ExtremeTables.Upper(first.N, second.N, (a, b) => Fisher(a, b) <= most), []).GreatestProbability();
    }

    private static void Check(Proportion first, Proportion second)
    {
        if (Math.Max(first.N, second.N) > MostCustomers)
            throw new InputException($"A group of {Math.Max(first.N, second.N)} customers is too large for this exact test; it takes up to {MostCustomers} a group: take fisher or pearson.");
    }
}

/// <summary>
/// The tables of two groups that count as extreme: of a first group with a conversions, those whose second group has atLeast[a] or more,
/// or atMost[a] or fewer. An empty array is a side without extreme tables.
/// </summary>
internal sealed class ExtremeTables(int first, int second, int[] atLeast, int[] atMost)
{
    private const int Refined = 12;
    private const double GoldenShare = 0.6180339887498949;

    /// <summary>The smallest second count that is extreme for each first count; both grow together.</summary>
    public static int[] Upper(long first, long second, Func<long, long, bool> extreme)
    {
        var smallest = new int[first + 1];
        int b = 0;
        for (int a = 0; a <= first; a++)
        {
            while (b <= second && !extreme(a, b))
                b++;
            smallest[a] = b;
        }
        return smallest;
    }

    /// <summary>The largest second count that is extreme for each first count, −1 without one.</summary>
    public static int[] Lower(long first, long second, Func<long, long, bool> extreme)
    {
        var largest = new int[first + 1];
        int b = (int)second;
        for (int a = (int)first; a >= 0; a--)
        {
            while (b >= 0 && !extreme(a, b))
                b--;
            largest[a] = b;
        }
        return largest;
    }

    /// <summary>
    /// The maximum over the common rate sin²(t): a grid in t, in which counts spread by 1/(2√n) everywhere, and a golden-section search
    /// around its best local maxima.
    /// </summary>
    public double GreatestProbability()
    {
        int points = 128 + (int)(16 * Math.Sqrt(Math.Max(first, second)));
        double step = Math.PI / 2 / points;
        double[] grid = [.. Enumerable.Range(0, points + 1).Select(i => Probability(i * step))];
        var peaks = Enumerable.Range(0, points + 1)
            .Where(i => (i == 0 || grid[i] >= grid[i - 1]) && (i == points || grid[i] >= grid[i + 1]))
            .OrderByDescending(i => grid[i]).Take(Refined);
        return Math.Min(1, peaks.Max(i => Peak(Math.Max(0, i - 1) * step, Math.Min(points, i + 1) * step)));
    }

    private double Peak(double low, double high)
    {
        double left = high - GoldenShare * (high - low), right = low + GoldenShare * (high - low);
        double atLeft = Probability(left), atRight = Probability(right), best = Math.Max(Probability(low), Probability(high));
        while (high - low > 1e-9)
        {
            best = Math.Max(best, Math.Max(atLeft, atRight));
            if (atLeft > atRight)
            {
                (high, right, atRight) = (right, left, atLeft);
                atLeft = Probability(left = high - GoldenShare * (high - low));
            }
            else
            {
                (low, left, atLeft) = (left, right, atRight);
                atRight = Probability(right = low + GoldenShare * (high - low));
            }
        }
        return best;
    }

    private double Probability(double angle)
    {
        double rate = Math.Sin(angle) * Math.Sin(angle);
        var a = new BinomialMasses(first, rate);
        var b = new BinomialMasses(second, rate);
        double sum = 0;
        for (int count = a.Start; count < a.Start + a.Length; count++)
        {
            double extreme = (atLeast.Length == 0 ? 0 : b.AtLeast(atLeast[count])) + (atMost.Length == 0 ? 0 : b.AtMost(atMost[count]));
            sum += a.Mass(count) * extreme;
        }
        return sum;
    }
}

/// <summary>The masses of a binomial count wherever they are more than 1e-25 of the greatest, and their sums from either end.</summary>
internal sealed class BinomialMasses
{
    private const double Negligible = 1e-25;

    private readonly double[] _masses;
    private readonly double[] _atMost;
    private readonly double[] _atLeast;

    public BinomialMasses(int n, double rate)
    {
        int mode = (int)Math.Clamp(Math.Floor((n + 1.0) * rate), 0, n);
        double peak = rate is <= 0 or >= 1 ? 1 : Math.Exp(new BinomialCounts(n, rate).LogMass(mode)), odds = rate / (1 - rate);
        var (above, below) = (new List<double>(), new List<double>());
        double term = peak;
        for (int k = mode; k < n && rate < 1 && (term *= (double)(n - k) / (k + 1) * odds) > Negligible * peak; k++)
            above.Add(term);
        term = peak;
        for (int k = mode; k > 0 && rate < 1 && (term *= (double)k / (n - k + 1) / odds) > Negligible * peak; k--)
            below.Add(term);
        below.Reverse();
        Start = mode - below.Count;
        _masses = [.. below, peak, .. above];
        (_atMost, _atLeast) = ((double[])_masses.Clone(), (double[])_masses.Clone());
        for (int i = 1; i < Length; i++)
        {
            _atMost[i] += _atMost[i - 1];
            _atLeast[Length - 1 - i] += _atLeast[Length - i];
        }
    }

    public int Start { get; }

    public int Length => _masses.Length;

    public double Mass(int count) => _masses[count - Start];

    public double AtMost(int count) => count < Start ? 0 : count >= Start + Length ? 1 : _atMost[count - Start];

    public double AtLeast(int count) => count <= Start ? 1 : count >= Start + Length ? 0 : _atLeast[count - Start];
}
