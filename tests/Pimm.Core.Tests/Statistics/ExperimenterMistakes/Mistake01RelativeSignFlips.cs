using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Dividing by a negative baseline turns winners into losers.</summary>
public sealed class Mistake01RelativeSignFlips
{
    private static readonly SampleMean Loss = new(1000, -10, 25);
    private static readonly SampleMean SmallerLoss = new(1000, -8, 25);

    [Fact]
    public void A_smaller_loss_is_a_positive_lift_by_every_method()
    {
        TestedEstimate[] lifts =
        [
            MeanComparison.DeltaLift(Loss, SmallerLoss),
            MeanComparison.FiellerLift(Loss, SmallerLoss),
            PostStratification.Effect([new Stratum(Loss, SmallerLoss)], relative: true),
            Cuped.Of(new CovariateArm(Loss, new SampleMean(1000, 3, 4), 5, 999), new CovariateArm(SmallerLoss, new SampleMean(1000, 3, 4), 5, 999), relative: true).Adjusted,
        ];

        foreach (TestedEstimate lift in lifts)
        {
            lift.Estimate.Value!.Value.ShouldBe(0.2, 1e-9, lift.Estimate.Method);
            lift.Estimate.Lower!.Value.ShouldBeInRange(0, 0.2, lift.Estimate.Method);
            lift.Estimate.Upper!.Value.ShouldBeGreaterThan(0.2, lift.Estimate.Method);
            lift.PValue(new ConfidenceLevel(0.95, Alternative.Greater))!.Value.ShouldBeLessThan(0.01, lift.Estimate.Method);
        }
    }

    [Fact]
    public void Loss_and_gain_mirror_each_other()
    {
        SampleMean gain = new(1000, 10, 25), smallerGain = new(1000, 8, 25);
        Estimate below = MeanComparison.FiellerLift(Loss, SmallerLoss).Estimate, above = MeanComparison.FiellerLift(gain, smallerGain).Estimate;

        below.Lower!.Value.ShouldBe(-above.Upper!.Value, 1e-12);
        below.Upper!.Value.ShouldBe(-above.Lower!.Value, 1e-12);
    }

    [Fact]
    public void A_baseline_of_zero_has_no_relative_lift_and_says_so()
    {
        TestedEstimate lift = MeanComparison.DeltaLift(Loss with { Mean = 0 }, SmallerLoss);

        (lift.Estimate.Value, lift.Estimate.Lower, lift.Estimate.Upper, lift.Statistic).ShouldBe((null, null, null, null));
        lift.Estimate.Note!.ShouldContain("zero");
    }
}
