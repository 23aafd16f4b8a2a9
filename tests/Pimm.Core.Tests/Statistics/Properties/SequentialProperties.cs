using FsCheck;
using FsCheck.Fluent;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.Properties;

public sealed class SequentialProperties
{
    private static readonly Gen<double> Clock = Gen.Choose(0, 9000).Select(log => Math.Pow(10, log / 1000.0));

    private static readonly Gen<ConfidenceLevel> Level = Given.Confidence.Zip(Gen.Elements(Alternative.TwoSided, Alternative.Greater, Alternative.Less))
        .Select(pair => new ConfidenceLevel(pair.Item1, pair.Item2));

    private static SequentialEstimate Lift(TwoArms arms, double planned, ConfidenceLevel level) => SequentialEstimate.OfRatio(
        LogRiskRatio.Lift(arms.Control, arms.Treatment).Estimate, (double)arms.Control.N + arms.Treatment.N, planned, level);

    [Fact]
    public void Nothing_valid_gives_a_number_that_is_none() => Given.ForAll(Given.Arms, Clock.Zip(Level), (arms, with) =>
    {
        SequentialEstimate lift = Lift(arms, with.Item1, with.Item2);
        lift.ShouldHaveNoNaN();
        if (lift.PValue is { } p)
            p.ShouldBeInRange(0, 1);
        SequentialResult counts = SequentialCounts.Look(arms.Control, arms.Treatment, with.Item1, with.Item2.Confidence);
        counts.ShouldHaveNoNaN();
        if (counts.EValue is not null)
            counts.Lower!.Value.ShouldBeLessThanOrEqualTo(counts.Upper!.Value);
    });

    [Fact]
    public void Swapping_the_arms_turns_the_ratio_over_and_keeps_p() => Given.ForAll(Given.OpenArms, Clock.Zip(Given.Confidence), (arms, with) =>
    {
        var level = new ConfidenceLevel(with.Item2);
        SequentialEstimate one = Lift(arms, with.Item1, level), other = Lift(arms.Swapped, with.Item1, level);
        (1 + other.Estimate.Lower!.Value).ShouldBeReciprocalOf(1 + one.Estimate.Upper!.Value);
        (1 + other.Estimate.Upper!.Value).ShouldBeReciprocalOf(1 + one.Estimate.Lower!.Value);
        other.PValue!.Value.ShouldBe(one.PValue!.Value, 1e-9);
        SequentialEstimate greater = Lift(arms, with.Item1, new(with.Item2, Alternative.Greater)), less = Lift(arms.Swapped, with.Item1, new(with.Item2, Alternative.Less));
        less.PValue!.Value.ShouldBe(greater.PValue!.Value, 1e-9);
        (1 + less.Estimate.Upper!.Value).ShouldBeReciprocalOf(1 + greater.Estimate.Lower!.Value);
    });

    [Fact]
    public void Swapping_the_arms_turns_the_counts_interval_over() => Given.ForAll(Given.OpenArms, Clock.Zip(Given.Confidence), (arms, with) =>
    {
        SequentialResult one = SequentialCounts.Look(arms.Control, arms.Treatment, with.Item1, with.Item2);
        SequentialResult other = SequentialCounts.Look(arms.Treatment, arms.Control, with.Item1, with.Item2);
        (one.EValue is null).ShouldBe(other.EValue is null);
        if (one.EValue is null)
            return;
        double a = with.Item1 / 8, log = SequentialCounts.LogEValue(arms.Control, arms.Treatment, a, 0);
        SequentialCounts.LogEValue(arms.Treatment, arms.Control, a, 0).ShouldBe(log, 1e-6 * (1 + Math.Abs(log)));
        (1 + other.Lower!.Value).ShouldBeReciprocalOf(1 + one.Upper!.Value, 1e-6);
    });

    [Fact]
    public void More_confidence_never_narrows_and_always_valid_is_wider_than_fixed() => Given.ForAll(Given.OpenArms, Clock.Zip(Gen.Two(Given.Confidence)), (arms, with) =>
    {
        double low = Math.Min(with.Item2.Item1, with.Item2.Item2), high = Math.Max(with.Item2.Item1, with.Item2.Item2);
        var mixture = new NormalMixture(with.Item1, 1 - high);
        double clock = (double)arms.Control.N + arms.Treatment.N;
        mixture.Multiplier(clock).ShouldBeGreaterThan(Estimate.CriticalValue(high));
        SequentialEstimate wide = Lift(arms, with.Item1, new(high));
        Estimate fixedInterval = LogRiskRatio.Lift(arms.Control, arms.Treatment, high).Estimate;
        wide.Estimate.Lower!.Value.ShouldBeLessThanOrEqualTo(fixedInterval.Lower!.Value);
        wide.Estimate.Upper!.Value.ShouldBeGreaterThanOrEqualTo(fixedInterval.Upper!.Value);
        SequentialResult some = SequentialCounts.Look(arms.Control, arms.Treatment, with.Item1, low), more = SequentialCounts.Look(arms.Control, arms.Treatment, with.Item1, high);
        if (some.EValue is null)
            return;
        more.Lower!.Value.ShouldBeLessThanOrEqualTo(some.Lower!.Value + 1e-9);
        more.Upper!.Value.ShouldBeGreaterThanOrEqualTo(some.Upper!.Value * (1 - 1e-9) - 1e-9);
    });

    [Fact]
    public void P_is_below_the_level_exactly_where_the_interval_leaves_out_zero() => Given.ForAll(Given.OpenArms, Clock.Zip(Level), (arms, with) =>
    {
        SequentialEstimate lift = Lift(arms, with.Item1, with.Item2);
        double alpha = 1 - with.Item2.Confidence;
        if (Math.Abs(lift.PValue!.Value - alpha) > 1e-9)
            (lift.PValue < alpha).ShouldBe(lift.Estimate.Excludes(0)!.Value);
        SequentialResult counts = SequentialCounts.Look(arms.Control, arms.Treatment, with.Item1, with.Item2.Confidence);
        if (counts.PValue is { } p && Math.Abs(p - alpha) > 1e-9)
            counts.Reject.ShouldBe(p < alpha);
    });

    [Fact]
    public void The_unit_of_the_clock_does_not_matter() => Given.ForAll(Gen.Two(Clock), Gen.Choose(1, 1000).Select(c => c / 10.0).Zip(Level), (clocks, with) =>
    {
        bool oneSided = with.Item2.Alternative != Alternative.TwoSided;
        var mixture = new NormalMixture(clocks.Item1, 1 - with.Item2.Confidence, oneSided);
        var scaled = new NormalMixture(with.Item1 * clocks.Item1, 1 - with.Item2.Confidence, oneSided);
        (scaled.Multiplier(with.Item1 * clocks.Item2) / mixture.Multiplier(clocks.Item2)).ShouldBe(1, 1e-9);
        scaled.PValue(with.Item1 * clocks.Item2, 3).ShouldBe(mixture.PValue(clocks.Item2, 3), 1e-9);
    });
}
