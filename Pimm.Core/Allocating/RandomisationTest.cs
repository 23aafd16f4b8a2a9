using System.Numerics;
using Pimm.Core.Statistics;

namespace Pimm.Core.Allocating;

/// <summary>How a campaign's split was drawn, to be drawn again.</summary>
/// <param name="Covariates">of best-of: one to three columns, a value a customer; else empty</param>
/// <param name="Candidates">R of best-of, 1 for a plain hash</param>
/// <param name="Strata">of blocks: a stratum a customer; else null</param>
public sealed record RandomisationDesign(IReadOnlyList<double[]> Covariates, int Candidates, IReadOnlyList<int>? Strata)
{
    public static RandomisationDesign Plain { get; } = new([], 1, null);

    public static RandomisationDesign BestOf(IReadOnlyList<double[]> covariates, int candidates = Splitter.DefaultCandidates) => new(covariates, candidates, null);

    public static RandomisationDesign Blocks(IReadOnlyList<int> strata) => new([], 1, strata);

    /// <summary>The same design of some of the customers, at these places.</summary>
    public RandomisationDesign Of(IReadOnlyList<int> places) => this with
    {
        Covariates = [.. Covariates.Select(values => places.Select(place => values[place]).ToArray())],
        Strata = Strata is null ? null : [.. places.Select(place => Strata[place])],
    };
}

/// <summary>What a randomisation test found.</summary>
/// <param name="Statistic">mean of the treatment − mean of the control, in the unit of the values</param>
/// <param name="P">(1 + draws at least as far from 0) ÷ (1 + Draws), two-sided; never below 1/(1 + Draws)</param>
/// <param name="StandardDeviation">of the statistic over the draws: its standard error if no customer responds to the arm</param>
public sealed record RandomisationResult(double Statistic, double P, int Draws, double StandardDeviation);

/// <summary>
/// Tests the sharp hypothesis that no customer's value depends on the arm, by drawing the whole split again, selection of the best
/// candidate included (Fisher 1935; Morgan and Rubin 2012, section 2.3). The values stay as they are, so where they are D·Y the
/// disagreement set is taken as given. Under a salted hash every customer tosses a fair coin independent of every other's; a draw
/// tosses 64 of these coins at a time. Blocks give every subset of a stratum's half the same chance, and so do their draws.
/// </summary>
public static class RandomisationTest
{
    /// <summary>Fewer draws cannot tell p = .001, the level of an alarm.</summary>
    public const int FewestDraws = 999;

    public const int MostDraws = 1_000_000;

    // Candidates summed in one pass over the customers: enough to pay for the tables, few enough to stay in a core's cache.
    private const int CandidatesAtOnce = 2_000;

    /// <param name="values">a finite number a customer, for instance 1 for a conversion; in the order of the customers' identity</param>
    /// <param name="arms">the arms that were assigned</param>
    /// <param name="salt">of this purpose alone, for instance <c>campaign.SaltFor("randomisation-test")</c></param>
    /// <param name="draws">B, 999 to 1,000,000</param>
    /// <param name="threads">null: one a processor; the result is the same at any number</param>
    /// <param name="progress">told how many draws are done, from any thread, one call at a time</param>
    /// <exception cref="InputException">fewer draws, lengths that differ, a value that is not finite, or an empty arm</exception>
    public static RandomisationResult Run(
        double[] values, IReadOnlyList<Arm> arms, RandomisationDesign design, string salt, int draws = FewestDraws, int? threads = null,
        Action<int>? progress = null, CancellationToken cancellationToken = default)
    {
        Check(values, arms, design, draws);
        int treated = arms.Count(arm => arm == Arm.Treatment);
        double total = values.Sum();
        double statistic = Difference(Enumerable.Range(0, values.Length).Where(i => arms[i] == Arm.Treatment).Sum(i => values[i]), treated, total, values.Length);
        ulong seed = SaltKey.From(salt).First;
        var statistics = new double[draws];
        int group = design.Strata is null ? Math.Max(1, CandidatesAtOnce / design.Candidates) : 32, groups = (draws + group - 1) / group, done = 0;
        Action<int, Span<double>> draw = design.Strata is null ? new CoinDraws(values, design, seed).Fill : new BlockDraws(values, design.Strata, seed).Fill;
        var gate = new Lock();
        Parallel.For(0, groups, new ParallelOptions { MaxDegreeOfParallelism = threads ?? -1, CancellationToken = cancellationToken }, g =>
        {
            Span<double> part = statistics.AsSpan(g * group, Math.Min(group, draws - g * group));
            draw(g * group, part);
            if (progress is null)
                return;
            lock (gate)
                progress(done += part.Length);
        });
        // Sums in another order differ in the last digits: such a tie is as far from 0.
        double bound = Math.Abs(statistic) * (1 - 1e-9);
        double mean = statistics.Average();
        return new RandomisationResult(statistic, (1.0 + statistics.Count(t => Math.Abs(t) >= bound)) / (draws + 1), draws,
            Math.Sqrt(statistics.Sum(t => (t - mean) * (t - mean)) / (draws - 1)));
    }

    internal static double Difference(double treatmentSum, long treated, double total, long customers) =>
        treated == 0 || treated == customers ? 0 : treatmentSum / treated - (total - treatmentSum) / (customers - treated);

    private static void Check(double[] values, IReadOnlyList<Arm> arms, RandomisationDesign design, int draws)
    {
        if (draws is < FewestDraws or > MostDraws)
            throw new InputException($"{draws} draws are outside {FewestDraws} to {MostDraws}: fewer cannot tell a small p, more only take longer.");
        if (arms.Count != values.Length)
            throw new InputException($"{arms.Count} arms were given for {values.Length} values; give one for each customer.");
        if (design.Strata is { } strata && strata.Count != values.Length)
            throw new InputException($"{strata.Count} strata were given for {values.Length} values; give one for each customer.");
        if (design.Candidates is < 1 or > Splitter.MostCandidates)
            throw new InputException($"{design.Candidates} candidate salts are outside 1 to {Splitter.MostCandidates}; give as many as the split had.");
        if (Array.FindIndex(values, value => !double.IsFinite(value)) is var bad and >= 0)
            throw new InputException($"The value of customer {bad + 1} is {values[bad]}; values must be finite numbers.");
        if (arms.Distinct().Count() < 2)
            throw new InputException($"All {arms.Count} customers are in one arm; there is nothing to compare.");
    }

    /// <summary>
    /// Draws by hash: candidate c of draw b gives word w of 64 customers the coins m(seed of (b, c) + w). A candidate's covariate
    /// sum is read eight customers at a time from tables of all 256 outcomes, shared by every candidate of the pass.
    /// </summary>
    private sealed class CoinDraws(double[] values, RandomisationDesign design, ulong seed)
    {
        private readonly BalanceGeometry _geometry = new(design.Covariates, values.Length);
        private readonly int[] _nonZero = Enumerable.Range(0, values.Length).Where(i => values[i] != 0).ToArray();
        private readonly double _total = values.Sum();

        public void Fill(int firstDraw, Span<double> statistics)
        {
            int candidates = design.Candidates, dimensions = _geometry.Dimensions;
            var streams = new ulong[statistics.Length * candidates];
            for (int i = 0; i < streams.Length; i++)
                streams[i] = RandomStream.Seed(seed, (long)firstDraw * candidates + i);
            var sums = new double[streams.Length * dimensions];
            var treated = new int[streams.Length];
            Sum(streams, sums, treated);
            for (int draw = 0; draw < statistics.Length; draw++)
            {
                int best = draw * candidates;
                double smallest = double.PositiveInfinity;
                for (int c = draw * candidates; c < (draw + 1) * candidates; c++)
                    if (_geometry.Mahalanobis(sums.AsSpan(c * dimensions, dimensions), treated[c]) is var imbalance && imbalance < smallest)
                        (best, smallest) = (c, imbalance);
                statistics[draw] = Difference(SumOfValues(streams[best]), treated[best], _total, values.Length);
            }
        }

        private void Sum(ulong[] streams, double[] sums, int[] treated)
        {
            int customers = values.Length, dimensions = _geometry.Dimensions;
            var tables = new double[dimensions * 8 * 256];
            for (int word = 0; word * 64 < customers; word++)
            {
                int inside = Math.Min(64, customers - word * 64);
                ulong mask = inside == 64 ? ulong.MaxValue : (1UL << inside) - 1;
                for (int d = 0; d < dimensions; d++)
                    FillTables(tables.AsSpan(d * 2048, 2048), word * 64, inside, d);
                for (int c = 0; c < streams.Length; c++)
                {
                    ulong coins = Coins(streams[c], word) & mask;
                    treated[c] += BitOperations.PopCount(coins);
                    for (int d = 0; d < dimensions; d++)
                        sums[c * dimensions + d] += LookUp(tables.AsSpan(d * 2048, 2048), coins);
                }
            }
        }

        /// <summary>Table k, entry e: the covariate's sum over those of the customers 8k … 8k + 7 of this word whose bits are 1 in e.</summary>
        private void FillTables(Span<double> tables, int first, int inside, int dimension)
        {
            ReadOnlySpan<double> rows = _geometry.Rows;
            for (int k = 0; k < 8; k++)
            {
                Span<double> table = tables.Slice(k * 256, 256);
                table[0] = 0;
                for (int bit = 0; bit < 8; bit++)
                {
                    int member = 8 * k + bit;
                    double value = member < inside ? rows[(first + member) * _geometry.Dimensions + dimension] : 0;
                    for (int e = 0; e < 1 << bit; e++)
                        table[(1 << bit) + e] = table[e] + value;
                }
            }
        }

        private static double LookUp(ReadOnlySpan<double> tables, ulong coins) =>
            tables[(int)(coins & 255)] + tables[256 + (int)(coins >> 8 & 255)] + (tables[512 + (int)(coins >> 16 & 255)] + tables[768 + (int)(coins >> 24 & 255)])
            + (tables[1024 + (int)(coins >> 32 & 255)] + tables[1280 + (int)(coins >> 40 & 255)] + (tables[1536 + (int)(coins >> 48 & 255)] + tables[1792 + (int)(coins >> 56)]));

        private double SumOfValues(ulong stream)
        {
            double sum = 0;
            foreach (int customer in _nonZero)
                if ((Coins(stream, customer >> 6) >> (customer & 63) & 1) != 0)
                    sum += values[customer];
            return sum;
        }

        private static ulong Coins(ulong stream, int word) => unchecked(RandomStream.Mix(stream + (ulong)(word + 1) * 0x9E3779B97F4A7C15));
    }

    /// <summary>Draws of blocks: in each stratum a half drawn without replacement. Customers whose value is 0 need not be drawn.</summary>
    private sealed class BlockDraws
    {
        private readonly (int Size, double[] Values)[] _strata;
        private readonly ulong _seed;
        private readonly double _total;
        private readonly int _customers;

        public BlockDraws(double[] values, IReadOnlyList<int> strata, ulong seed)
        {
            _strata = Enumerable.Range(0, values.Length).GroupBy(i => strata[i]).OrderBy(g => g.Key)
                .Select(g => (g.Count(), g.Select(i => values[i]).Where(value => value != 0).ToArray())).ToArray();
            (_seed, _total, _customers) = (seed, values.Sum(), values.Length);
        }

        public void Fill(int firstDraw, Span<double> statistics)
        {
            for (int draw = 0; draw < statistics.Length; draw++)
            {
                var stream = new RandomStream(RandomStream.Seed(_seed, firstDraw + draw));
                double sum = 0;
                long treated = 0;
                foreach ((int size, double[] nonZero) in _strata)
                {
                    int half = size / 2 + (size % 2 == 0 ? 0 : stream.NextInt(2)), places = half, left = size;
                    treated += half;
                    foreach (double value in nonZero)
                        if (stream.NextInt(left--) < places)
                        {
                            places--;
                            sum += value;
                        }
                }
                statistics[draw] = Difference(sum, treated, _total, _customers);
            }
        }
    }
}
