using Pimm.Core.Simulating;
using Pimm.Core.Statistics;

namespace Pimm.Benchmarks;

/// <summary>How an interval did against a known truth, as shares of all repetitions. One that is not defined rejects nothing and counts as covering.</summary>
/// <param name="Conversions">expected conversions of the control arm</param>
/// <param name="Below">without an effect, the interval lies entirely below the truth: a loser is called that is none</param>
/// <param name="Above">the same above it</param>
/// <param name="Coverage">with the effect, the interval holds it</param>
/// <param name="Power">with the effect, the interval lies above no effect</param>
/// <param name="Undefined">repetitions without an effect that gave no interval</param>
internal sealed record CoverageRow(string Estimator, int Conversions, double Below, double Above, double Coverage, double Power, double Undefined)
{
    public double FalsePositives => Below + Above;
}

/// <summary>What the always-valid bounds did over daily looks.</summary>
/// <param name="FalsePositives">without an effect, rejected on any of the days</param>
/// <param name="Covered">with the effect, the bounds held it on every day</param>
/// <param name="Power">with the effect, rejected upwards on any of the days</param>
/// <param name="Peeking">without an effect, the fixed interval called a difference on any of the days: what peeking does</param>
internal sealed record SequentialRow(string Bounds, int Conversions, int Looks, double FalsePositives, double Covered, double Power, double Peeking);

/// <summary>
/// Plain splits of the simulated market's customers, again and again: organic conversions fall where they fall, and with an
/// effect every treatment customer's chance is greater by a share. Customers are sorted by their chance, and only those who
/// might convert are drawn (geometric skips), so that a repetition costs its conversions and not its customers.
/// </summary>
internal sealed class RateCoverage
{
    private const int Group = 500;
    private const int Looks = 30;
    private readonly double[] _chances;
    private readonly int _conversions;
    private readonly ulong _seed;

    public RateCoverage(ulong seed, int conversions)
    {
        double[] organic = MarketTruth.OfMany(MarketCustomer.DrawMany(seed, 0, 200_000), MarketWorld.Null.Parameters, MarketEffects.Today).Select(t => t.Organic).ToArray();
        int customers = (int)Math.Round(2 * conversions / organic.Average());
        _chances = Enumerable.Range(0, customers).Select(i => organic[i % organic.Length]).OrderDescending().ToArray();
        _conversions = conversions;
        _seed = RandomStream.Seed(seed, "coverage", conversions);
    }

    /// <summary>Everybody's counts by arm and day, without and with the effect.</summary>
    private sealed record Outcome(long[] Customers, int[][] Organic, int[][] Extra)
    {
        public Proportion Of(int arm, bool effect, int days = Looks) => new(
            Customers[arm], Organic[arm].Take(days).Sum() + (effect ? Extra[arm].Take(days).Sum() : 0));

        /// <summary>The customers' clock: of those who came by then.</summary>
        public Proportion Arrived(int arm, bool effect, int days) =>
            new(Math.Max(Customers[arm] * days / Looks, Of(arm, effect, days).Conversions), Of(arm, effect, days).Conversions);
    }

    public IEnumerable<CoverageRow> Intervals(int repetitions, double effect, IReadOnlyList<(string Name, double True, Func<Proportion, Proportion, Estimate> Of)> estimators)
    {
        var tallies = estimators.Select(_ => new int[5]).ToArray();
        var locks = estimators.Select(_ => new Lock()).ToArray();
        Each(repetitions, effect, outcome =>
        {
            for (int e = 0; e < estimators.Count; e++)
            {
                Estimate none = estimators[e].Of(outcome.Of(0, false), outcome.Of(1, false)), some = estimators[e].Of(outcome.Of(0, true), outcome.Of(1, true));
                lock (locks[e])
                {
                    tallies[e][0] += none.Upper < 0 ? 1 : 0;
                    tallies[e][1] += none.Lower > 0 ? 1 : 0;
                    tallies[e][2] += some.Excludes(estimators[e].True) == true ? 0 : 1;
                    tallies[e][3] += some.Lower > 0 ? 1 : 0;
                    tallies[e][4] += none.Lower is null ? 1 : 0;
                }
            }
        });
        double Share(int e, int which) => (double)tallies[e][which] / repetitions;
        return estimators.Select((estimator, e) => new CoverageRow(estimator.Name, _conversions, Share(e, 0), Share(e, 1), Share(e, 2), Share(e, 3), Share(e, 4))).ToArray();
    }

    /// <param name="look">lower and upper bound of the relative lift after so many days, null while there are none</param>
    public SequentialRow Sequential(string name, int repetitions, double effect, bool arriving, Func<Proportion, Proportion, (double? Lower, double? Upper)> look)
    {
        var (rejected, covered, found, peeked) = (0, 0, 0, 0);
        Each(repetitions, effect, outcome =>
        {
            bool rejects = false, holds = true, finds = false, peeks = false;
            for (int day = 1; day <= Looks; day++)
            {
                Proportion At(int arm, bool with) => arriving ? outcome.Arrived(arm, with, day) : outcome.Of(arm, with, day);
                (double? lower, double? upper) = look(At(0, false), At(1, false));
                rejects |= lower > 0 || upper < 0;
                peeks |= ProportionComparison.RelativeLift(At(0, false), At(1, false)).Excludes(0) == true;
                (lower, upper) = look(At(0, true), At(1, true));
                holds &= !(lower > effect || upper < effect);
                finds |= lower > 0;
            }
            Interlocked.Add(ref rejected, rejects ? 1 : 0);
            Interlocked.Add(ref covered, holds ? 1 : 0);
            Interlocked.Add(ref found, finds ? 1 : 0);
            Interlocked.Add(ref peeked, peeks ? 1 : 0);
        });
        double Share(int count) => (double)count / repetitions;
        return new SequentialRow(name, _conversions, Looks, Share(rejected), Share(covered), Share(found), Share(peeked));
    }

    public int Customers => _chances.Length;

    public double MeanChance => _chances.Average();

    private void Each(int repetitions, double effect, Action<Outcome> take) => Parallel.For(0, repetitions, repetition =>
        take(Draw(new RandomStream(RandomStream.Seed(_seed, repetition)), effect)));

    private Outcome Draw(RandomStream stream, double effect)
    {
        long[] customers = new long[2];
        for (int i = 0; i < _chances.Length; i += 64)
            customers[1] += System.Numerics.BitOperations.PopCount(stream.NextUInt64() >> (64 - Math.Min(64, _chances.Length - i)));
        customers[0] = _chances.Length - customers[1];
        var outcome = new Outcome(customers, [new int[Looks], new int[Looks]], [new int[Looks], new int[Looks]]);
        double treated = (double)customers[1] / _chances.Length;
        for (int start = 0; start < _chances.Length; start += Group)
        {
            // One pass for both: of those below the chance an organic conversion, of those above it one that the effect brings.
            double bound = Math.Min(1, _chances[start] * (1 + effect)), miss = Math.Log(1 - bound);
            int end = Math.Min(_chances.Length, start + Group);
            for (long at = start + Skip(stream, miss); at < end; at += 1 + Skip(stream, miss))
            {
                double draw = stream.NextDouble() * bound;
                int arm = stream.NextDouble() < treated ? 1 : 0, day = stream.NextInt(Looks);
                if (draw < _chances[at])
                    outcome.Organic[arm][day]++;
                else if (draw < _chances[at] * (1 + effect) && arm == 1)
                    outcome.Extra[1][day]++;
            }
        }
        return outcome;
    }

    private static long Skip(RandomStream stream, double logMiss) => (long)Math.Min(1e9, Math.Log(1 - stream.NextDouble()) / logMiss);
}
