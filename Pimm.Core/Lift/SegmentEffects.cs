using Pimm.Core.Allocating;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>The headline broken down by the levels of attributes, with the error of looking at many of them controlled.</summary>
internal static class SegmentEffects
{
    private const int FewConversions = SequentialCounts.FewestConversions;

    public static IReadOnlyList<LiftSegment> Of(LiftInput input, LiftTally tally)
    {
        LevelTally[][] tallies = input.Segments.Select(column => Count(column, input, tally)).ToArray();
        double?[][] plain = tallies.Select(levels => levels.Select(level => TwoByTwo.PValue(level.Control, level.Treatment)).ToArray()).ToArray();
        double[] tested = plain.SelectMany(values => values.OfType<double>()).ToArray();
        var adjusted = new Queue<double>(Multiplicity.Holm(tested));
        return input.Segments.Select((column, s) => Segment(column, tallies[s], input, tally,
            plain[s].Select(p => p is null ? (null, null) : (p, (double?)adjusted.Dequeue())).ToArray())).ToArray();
    }

    public static LevelTally[] Count(SegmentColumn column, LiftInput input, LiftTally tally)
    {
        var levels = column.Levels.Select(_ => new LevelTally()).ToArray();
        for (int i = 0; i < input.Customers.Count; i++)
            levels[column.LevelOf[i]].Add(input.Customers[i], tally.Converted[i] == 1);
        return levels;
    }

    private static LiftSegment Segment(SegmentColumn column, LevelTally[] levels, LiftInput input, LiftTally tally, (double? Plain, double? Holm)[] p)
    {
        LiftSegmentLevel[] rows = levels.Select((level, l) => Level(column.Levels[l], level, p[l], input, tally)).ToArray();
        (double? q, int degrees) = CochranQ(levels);
        return new LiftSegment(column.Attribute, rows, q, degrees, q is { } statistic ? Estimate.ChiSquareTail(statistic, degrees) : null,
            q is null ? "Fewer than two levels have conversions: nothing to compare." : null);
    }

    private static LiftSegmentLevel Level(string name, LevelTally level, (double? Plain, double? Holm) p, LiftInput input, LiftTally tally)
    {
        Estimate difference = ProportionComparison.Newcombe(level.Control, level.Treatment, input.Confidence);
        // Conversions of the level per eligible customer of the whole arm: these add up to the headline whatever the arms' composition.
        Estimate extra = tally.PerThousand is { } factor
            ? ProportionComparison.Newcombe(new Proportion(tally.Control.Eligible, level.Control.Conversions),
                new Proportion(tally.Treatment.Eligible, level.Treatment.Conversions), input.Confidence).Scaled(factor)
            : Estimate.Unavailable("newcombe", LiftSentences.NobodyYet);
        string? note = Math.Min(level.Control.Conversions, level.Treatment.Conversions) < FewConversions ? $"fewer than {FewConversions} conversions in an arm" : null;
        return new LiftSegmentLevel(name, level.Control.N, level.Treatment.N, level.Control.Conversions, level.Treatment.Conversions,
            level.ControlImpressions, level.TreatmentImpressions, LiftInterval.Of(extra), LiftInterval.Of(difference.Scaled(1000)), p.Plain, p.Holm, note);
    }

    /// <summary>
    /// Cochran's Q (1954) of the levels' differences in conversion rate: Σ(d − d̄)²/V, χ² with levels − 1 degrees of freedom. V is from
    /// the level's pooled rate: with the arms' own rates, few conversions tie the weights to the differences.
    /// </summary>
    private static (double? Q, int Degrees) CochranQ(LevelTally[] levels)
    {
        var usable = new List<(double Difference, double Weight)>();
        foreach (LevelTally level in levels)
        {
            if (level.Control.N == 0 || level.Treatment.N == 0)
                continue;
            double n = level.Control.N + level.Treatment.N, pooled = (level.Control.Conversions + level.Treatment.Conversions) / n;
            double variance = pooled * (1 - pooled) * (1.0 / level.Control.N + 1.0 / level.Treatment.N);
            if (variance > 0)
                usable.Add((level.Treatment.Rate!.Value - level.Control.Rate!.Value, 1 / variance));
        }
        if (usable.Count < 2)
            return (null, 0);
        double mean = usable.Sum(u => u.Weight * u.Difference) / usable.Sum(u => u.Weight);
        return (usable.Sum(u => u.Weight * (u.Difference - mean) * (u.Difference - mean)), usable.Count - 1);
    }
}

/// <summary>Counts of one level of an attribute.</summary>
internal sealed class LevelTally
{
    private readonly long[] _eligible = new long[2], _conversions = new long[2], _impressions = new long[2], _delivered = new long[2];

    public Proportion Control => new(_eligible[0], _conversions[0]);

    public Proportion Treatment => new(_eligible[1], _conversions[1]);

    /// <summary>Of the exported: which customers an arm exports is its model's choice, so the eligible are no margin here.</summary>
    public Proportion ControlDelivered => new(_impressions[0], _delivered[0]);

    public Proportion TreatmentDelivered => new(_impressions[1], _delivered[1]);

    public long ControlImpressions => _impressions[0];

    public long TreatmentImpressions => _impressions[1];

    public void Add(in LiftCustomer customer, bool converted)
    {
        int arm = (int)customer.Arm;
        _eligible[arm]++;
        _conversions[arm] += converted ? 1 : 0;
        bool exported = customer.Actual.Action is WaveAction.Exported or WaveAction.Explored;
        _impressions[arm] += exported ? 1 : 0;
        _delivered[arm] += exported && customer.Delivered ? 1 : 0;
    }
}
