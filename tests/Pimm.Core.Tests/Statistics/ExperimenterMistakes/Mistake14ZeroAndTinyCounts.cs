using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>No p-value, a crash or NaN where hardly anybody converts or nothing varies.</summary>
public sealed class Mistake14ZeroAndTinyCounts
{
    private static readonly ConfidenceLevel Level = new();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(1, 2)]
    [InlineData(3, 3)]
    [InlineData(5000000, 5000000)]
    public void Every_statistic_of_tiny_base_rates_is_a_number_or_null_with_a_note(long control, long treatment)
    {
        Proportion c = new(5_000_000, control), t = new(5_000_000, treatment);
        TestedEstimate[] tested =
        [
            ProportionComparison.Wald(c, t), ProportionComparison.AgrestiCaffo(c, t), LogRiskRatio.Lift(c, t), LogRiskRatio.Adjusted(c, t),
            LogRiskRatio.Lift(c, t, pooled: true, continuity: true),
            MeanComparison.DeltaLift(c.Sample!.Value, t.Sample!.Value), MeanComparison.FiellerLift(c.Sample!.Value, t.Sample!.Value),
        ];
        Estimate[] plain = [ProportionComparison.Newcombe(c, t), MiettinenNurminen.Difference(c, t), Koopman.Lift(c, t)];

        foreach (TestedEstimate estimate in tested)
        {
            Check(estimate.Estimate);
            if (estimate.PValue(Level) is { } p)
                p.ShouldBeInRange(0, 1);
            else
                estimate.Estimate.Note.ShouldNotBeNull(estimate.Estimate.Method);
        }
        foreach (Estimate estimate in plain)
            Check(estimate);
        double?[] statistics = [ProportionComparison.NewcombeStatistic(c, t), MiettinenNurminen.Statistic(c, t), Koopman.Statistic(c, t), TwoByTwo.LikelihoodRatio(c, t)];
        statistics.ShouldAllBe(z => z.HasValue && !double.IsNaN(z.Value));
        TwoByTwo.Fisher(c, t).ShouldBeInRange(0, 1);
    }

    [Fact]
    public void One_against_eight_of_five_million_has_a_p_by_every_test()
    {
        Proportion c = new(5_000_000, 1), t = new(5_000_000, 8);
        // scipy.stats.binomtest(8, 9, 0.5): among nine rare conversions the arms are a coin's sides.
        TwoByTwo.Fisher(c, t).ShouldBe(0.0390625, 1e-6);
        Level.PValue(MiettinenNurminen.Statistic(c, t)!.Value).ShouldBeInRange(0.01, 0.03);
        Koopman.Lift(c, t).Lower!.Value.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Nothing_varies_and_nothing_crashes()
    {
        SampleMean flat = new(100, 2, 0);
        foreach (TestedEstimate estimate in new[] { MeanComparison.Welch(flat, flat), MeanComparison.DeltaLift(flat, flat), MeanComparison.FiellerLift(flat, flat) })
        {
            estimate.Estimate.Value.ShouldBe(0);
            (estimate.Estimate.Lower, estimate.PValue(Level)).ShouldBe((null, null));
            estimate.Estimate.Note.ShouldNotBeNull();
        }
    }

    private static void Check(Estimate estimate)
    {
        double?[] parts = [estimate.Value, estimate.StandardError, estimate.Lower, estimate.Upper];
        parts.ShouldAllBe(part => part == null || !double.IsNaN(part.Value), estimate.Method);
        if (estimate.Lower is null || estimate.Value is null)
            estimate.Note.ShouldNotBeNull(estimate.Method);
        else if (estimate.Method != "log-risk-ratio-adjusted")
            // That one's interval is of counts with one half added, which leaves out an observed −1.
            estimate.Value.Value.ShouldBeInRange(estimate.Lower.Value - 1e-12, estimate.Upper!.Value + 1e-12, estimate.Method);
    }
}
