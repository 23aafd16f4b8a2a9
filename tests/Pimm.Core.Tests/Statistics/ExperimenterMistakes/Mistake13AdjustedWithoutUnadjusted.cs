using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>An adjusted result shown alone, and a covariate that the treatment itself has moved.</summary>
public sealed class Mistake13AdjustedWithoutUnadjusted
{
    private static readonly SampleMean Pre = new(500, 20, 16);

    [Fact]
    public void Adjusted_and_unadjusted_come_together_with_what_the_covariate_saved()
    {
        Cuped cuped = Cuped.Of(new(new SampleMean(500, 30, 25), Pre, 16, 499), new(new SampleMean(500, 31, 25), Pre, 16, 499), relative: false);

        cuped.Adjusted.Estimate.Value!.Value.ShouldBe(cuped.Unadjusted.Estimate.Value!.Value, 1e-9);
        cuped.Adjusted.Estimate.StandardError!.Value.ShouldBeLessThan(cuped.Unadjusted.Estimate.StandardError!.Value);
        // R² = 16²/(25·16): the variance that a covariate can take away.
        cuped.VarianceReduction!.Value.ShouldBe(0.64, 0.005);
        cuped.Warning.ShouldBeNull();
    }

    [Fact]
    public void A_covariate_that_differs_between_the_arms_is_named_and_its_p_given()
    {
        SampleMean moved = Pre with { Mean = 22 };
        Cuped cuped = Cuped.Of(new(new SampleMean(500, 30, 25), Pre, 16, 499), new(new SampleMean(500, 32, 25), moved, 16, 499), relative: false);

        cuped.CovariateImbalance.PValue(new ConfidenceLevel())!.Value.ShouldBeLessThan(SampleRatio.Alarm);
        cuped.Warning!.ShouldContain("differs between the arms");
        // The adjustment takes for imbalance what the treatment did: both numbers are needed to see that.
        Math.Abs(cuped.Adjusted.Estimate.Value!.Value).ShouldBeLessThan(0.3);
        cuped.Unadjusted.Estimate.Value!.Value.ShouldBe(2, 1e-9);
    }
}
