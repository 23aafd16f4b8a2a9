using Pimm.Core.Allocating;
using Pimm.Core.Lift;
using Pimm.Core.Simulating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Tests.Lift;

/// <summary>What one repetition of a campaign gives: the estimates of the report, from its own functions, and the truth of its selection.</summary>
internal sealed record Repetition(
    Estimate Extra, Estimate Disagreement, Estimate IncrementControl, Estimate IncrementTreatment, Estimate DeliveredLift,
    Proportion Control, Proportion Treatment,
    double TrueExtra, double TrueIncrementControl, double TrueIncrementTreatment, Estimate? AdjustedExtra, Estimate? AdjustedDisagreement);

/// <summary>
/// One wave of a campaign over fixed customers, again and again with a new plain hash split, new hold-back flags and new
/// outcomes. Written out for speed: rankings sorted once, each hash's 64 bits used as 64 splits, and only those customers
/// drawn one by one who might convert (geometric skips under an upper bound of their group's probability).
/// </summary>
internal sealed class RepeatedCampaign
{
    public const double HoldBackShare = 0.1;
    private const byte Exported = 1, Held = 2;
    private readonly MarketTruth[] _truths;
    private readonly double[][] _scores;
    private readonly int[][] _rankings;
    private readonly int[] _byOrganic;

    public RepeatedCampaign(MarketWorld world, ulong seed, int eligible = 200_000, int impressions = 10_000)
        : this(MarketTruth.OfMany(MarketCustomer.DrawMany(seed, 0, eligible), world.Parameters, MarketEffects.Today), world, seed, impressions) { }

    private RepeatedCampaign(MarketTruth[] truths, MarketWorld world, ulong seed, int impressions)
        : this(truths, OracleScores.Of(world.Control, truths, seed), OracleScores.Of(world.Treatment, truths, seed), seed, impressions) { }

    /// <summary>Any customers: their true q and τ, both models' scores, and how many impressions each arm is given.</summary>
    public RepeatedCampaign(MarketTruth[] truths, double[] control, double[] treatment, ulong seed, int impressions)
    {
        (_truths, _scores, Eligible, Impressions) = (truths, [control, treatment], truths.Length, impressions);
        Keys = Enumerable.Range(0, Eligible).Select(i => CustomerHash.Of($"{seed}-{i}")).ToArray();
        var everybody = new ArmCustomers(Keys, new float[Eligible], new float[Eligible], Salts(0));
        _rankings = [.. _scores.Select(scores => Enumerable.Range(0, Eligible).OrderByDescending(i => scores[i]).ThenBy(everybody.TieHash).ToArray())];
        _byOrganic = Enumerable.Range(0, Eligible).OrderByDescending(i => _truths[i].Organic).ToArray();
    }

    public int Eligible { get; }

    /// <summary>N of each arm's single wave.</summary>
    public int Impressions { get; }

    public Guid[] Keys { get; }

    public static SelectionSalts Salts(int repetition) => new($"hold-{repetition}", "explore", "tie", HoldBackShare);

    public double[] Scores(Arm policy) => _scores[(int)policy];

    /// <param name="adjust">also the adjusted forms, which cost a pass over all customers</param>
    public Repetition[] Repeat(int times, bool adjust = false)
    {
        var results = new Repetition[times];
        Parallel.For(0, (times + 63) / 64, new ParallelOptions { MaxDegreeOfParallelism = 2 }, block =>
        {
            ulong[] bits = SplitBits(block);
            for (int r = block * 64; r < Math.Min(times, block * 64 + 64); r++)
                results[r] = Once(r, Arms(bits, r), adjust);
        });
        return results;
    }

    public byte[] Arms(int repetition) => Arms(SplitBits(repetition / 64), repetition);

    /// <summary>What each policy does with each customer inside the customer's arm: [policy][customer], 1 exported, 2 held back.</summary>
    public byte[][] Plans(int repetition, byte[] arms) => Walks(repetition, arms).Select(walk => walk.Plan).ToArray();

    private (byte[] Plan, int Depth)[] Walks(int repetition, byte[] arms)
    {
        SaltKey hold = SaltKey.From(Salts(repetition).HoldBack);
        return _rankings.Select(ranking => Walk(ranking, arms, hold)).ToArray();
    }

    private ulong[] SplitBits(int block)
    {
        SaltKey salt = SaltKey.From($"repetitions-{block}");
        return Array.ConvertAll(Keys, key => CustomerHash.Salted(key, salt));
    }

    private static byte[] Arms(ulong[] bits, int repetition)
    {
        int shift = repetition % 64;
        var arms = new byte[bits.Length];
        for (int i = 0; i < arms.Length; i++)
            arms[i] = (byte)((bits[i] >> shift) & 1);
        return arms;
    }

    private (byte[] Plan, int Depth) Walk(int[] ranking, byte[] arms, SaltKey hold)
    {
        var plan = new byte[Eligible];
        int[] left = [Impressions, Impressions];
        int depth = 0;
        for (; left[0] + left[1] > 0; depth++)
        {
            int i = ranking[depth], arm = arms[i];
            if (left[arm] == 0)
                continue;
            bool flagged = CustomerHash.Share(CustomerHash.Salted(Keys[i], hold)) < HoldBackShare;
            plan[i] = flagged ? Held : Exported;
            left[arm] -= flagged ? 0 : 1;
        }
        return (plan, depth);
    }

    private Repetition Once(int repetition, byte[] arms, bool adjust)
    {
        (byte[] Plan, int Depth)[] walks = Walks(repetition, arms);
        Tally[] tallies = [new(), new()];
        bool[] converted = Convert(arms, walks, new RandomStream(RandomStream.Seed(99, "repetition", repetition)), out List<int> converters);
        foreach (byte arm in arms)
            tallies[1].Eligible += arm;
        tallies[0].Eligible = arms.Length - tallies[1].Eligible;
        foreach (int i in converters)
            tallies[arms[i]].Converted(walks[0].Plan[i] != walks[1].Plan[i]);
        for (int policy = 0; policy < 2; policy++)
            foreach (int i in _rankings[policy].AsSpan(0, walks[policy].Depth))
                if (walks[policy].Plan[i] is var action and not 0)
                    tallies[arms[i]].Reached(policy, arms[i] == policy, action == Exported, _truths[i].Effect, converted[i]);
        Repetition estimates = Estimates(tallies);
        return adjust
            ? estimates with { AdjustedExtra = Adjusted(arms, i => converted[i]), AdjustedDisagreement = Adjusted(arms, i => converted[i] && walks[0].Plan[i] != walks[1].Plan[i]) }
            : estimates;
    }

    private Estimate? Adjusted(byte[] arms, Predicate<int> converted) =>
        RegressionAdjustment.Means(Enumerable.Range(0, arms.Length).Select(i => converted(i) ? 1.0 : 0.0).ToArray(), Array.ConvertAll(arms, arm => arm == 1), _scores)?
            .Difference().Scaled(1000.0 * Eligible / 2 / Impressions);

    private Repetition Estimates(Tally[] arm)
    {
        double perThousand = 1000.0 * Eligible / 2 / Impressions;
        Estimate[] increments = arm.Select(tally => Increment.Pooled([new IncrementWave(tally.Exported, tally.Held)])).ToArray();
        double extra = arm.Sum(tally => tally.PolicyEffects[1] - tally.PolicyEffects[0]);
        return new Repetition(
            ProportionComparison.Newcombe(arm[0].Everybody, arm[1].Everybody).Scaled(perThousand),
            DisagreementSet.Difference(arm[0].Apart, arm[1].Apart).Scaled(perThousand), increments[0], increments[1],
            ProportionComparison.RelativeLift(arm[0].Exported, arm[1].Exported), arm[0].Everybody, arm[1].Everybody,
            1000 * extra / (2 * Impressions), 1000 * arm[0].OwnEffects / Impressions, 1000 * arm[1].OwnEffects / Impressions, null, null);
    }

    private bool[] Convert(byte[] arms, (byte[] Plan, int Depth)[] walks, RandomStream stream, out List<int> converters)
    {
        const int group = 2000;
        var converted = new bool[Eligible];
        converters = new List<int>(4000);
        for (int start = 0; start < Eligible; start += group)
        {
            double bound = _truths[_byOrganic[start]].Organic, logMiss = Math.Log(1 - bound);
            int end = Math.Min(Eligible, start + group);
            for (int at = start + Skip(stream, logMiss); at < end; at += 1 + Skip(stream, logMiss))
                if (stream.NextDouble() * bound < _truths[_byOrganic[at]].Organic)
                    Mark(_byOrganic[at], converters);
        }
        for (int arm = 0; arm < 2; arm++)
            foreach (int i in _rankings[arm].AsSpan(0, walks[arm].Depth))
                if (arms[i] == arm && walks[arm].Plan[i] == Exported && !converted[i] && stream.NextDouble() * (1 - _truths[i].Organic) < _truths[i].Effect)
                    Mark(i, converters);
        return converted;

        void Mark(int customer, List<int> list)
        {
            converted[customer] = true;
            list.Add(customer);
        }
    }

    private static int Skip(RandomStream stream, double logMiss) => (int)Math.Min(int.MaxValue / 2, Math.Log(1 - stream.NextDouble()) / logMiss);

    private sealed class Tally
    {
        public long Eligible;
        private long _conversions, _apart, _exported, _exportedConversions, _held, _heldConversions;

        public double OwnEffects { get; private set; }

        public double[] PolicyEffects { get; } = new double[2];

        public Proportion Everybody => new(Eligible, _conversions);

        public Proportion Apart => new(Eligible, _apart);

        public Proportion Exported => new(_exported, _exportedConversions);

        public Proportion Held => new(_held, _heldConversions);

        public void Converted(bool apart)
        {
            _conversions++;
            _apart += apart ? 1 : 0;
        }

        public void Reached(int policy, bool own, bool exported, double effect, bool converted)
        {
            int one = converted ? 1 : 0;
            PolicyEffects[policy] += exported ? effect : 0;
            if (own && exported)
                (_exported, _exportedConversions, OwnEffects) = (_exported + 1, _exportedConversions + one, OwnEffects + effect);
            else if (own)
                (_held, _heldConversions) = (_held + 1, _heldConversions + one);
        }
    }
}
