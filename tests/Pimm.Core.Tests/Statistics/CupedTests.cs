using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class CupedTests
{
    private static readonly double[] ControlPre = [4, 2, 7, 5, 1, 6, 3, 8];
    private static readonly double[] ControlPost = [9, 6, 15, 11, 5, 12, 8, 17];
    private static readonly double[] TreatmentPre = [3, 8, 2, 5, 6, 4, 9, 1];
    private static readonly double[] TreatmentPost = [9, 19, 7, 12, 15, 11, 20, 4];

    [Fact]
    public void Theta_and_the_absolute_effect_are_those_of_the_adjusted_values()
    {
        Cuped cuped = Cuped.Of(Arm(ControlPost, ControlPre), Arm(TreatmentPost, TreatmentPre), relative: false);
        Moments x = Of([.. ControlPre, .. TreatmentPre]), y = Of([.. ControlPost, .. TreatmentPost]);
        double theta = x.Covariance(y, Cross([.. ControlPre, .. TreatmentPre], [.. ControlPost, .. TreatmentPost])) / x.Variance!.Value;
        cuped.Theta.ShouldBe(theta, 1e-12);
        double[] Less(double[] post, double[] pre) => [.. post.Zip(pre, (after, before) => after - theta * before)];
        TestedEstimate welch = MeanComparison.Welch(Of(Less(ControlPost, ControlPre)).Sample!.Value, Of(Less(TreatmentPost, TreatmentPre)).Sample!.Value);
        cuped.Adjusted.Estimate.Value!.Value.ShouldBe(welch.Estimate.Value!.Value, 1e-9);
        cuped.Adjusted.Estimate.StandardError!.Value.ShouldBe(welch.Estimate.StandardError!.Value, 1e-9);
        cuped.Adjusted.Degrees.ShouldBe(welch.Degrees, 1e-6);
        cuped.VarianceReduction!.Value.ShouldBe(1 - Math.Pow(welch.Estimate.StandardError!.Value / cuped.Unadjusted.Estimate.StandardError!.Value, 2), 1e-9);
    }

    [Fact]
    public void A_ratio_of_denominators_1_is_the_mean()
    {
        double[] ones = [1, 1, 1, 1, 1, 1, 1, 1];
        CovariateArm Ratio(double[] post, double[] pre) => CovariateArm.OfRatios(
            new RatioMoments(Of(post), Of(ones), post.Sum()), new RatioMoments(Of(pre), Of(ones), pre.Sum()), new RatioProducts(Cross(post, pre), 8, post.Sum(), pre.Sum()));
        CovariateArm mean = Arm(ControlPost, ControlPre), ratio = Ratio(ControlPost, ControlPre);
        ratio.Outcome.Variance.ShouldBe(mean.Outcome.Variance, 1e-12);
        ratio.Covariance.ShouldBe(mean.Covariance, 1e-12);
        Cuped cuped = Cuped.OfRatios(ratio, Ratio(TreatmentPost, TreatmentPre), relative: true);
        double adjusted = cuped.Adjusted.Estimate.Value!.Value;
        adjusted.ShouldBe((Of(TreatmentPost).Mean!.Value - Of(ControlPost).Mean!.Value - cuped.Theta * (Of(TreatmentPre).Mean!.Value - Of(ControlPre).Mean!.Value)) / Of(ControlPost).Mean!.Value, 1e-12);
    }

    [Fact]
    public void A_proportion_is_divided_by_n_throughout()
    {
        CovariateArm arm = CovariateArm.OfProportion(new Proportion(10, 4), Moments.OfSums(10, 5, 5), cross: 3);
        arm.Outcome.Variance.ShouldBe(0.24, 1e-12);
        arm.Covariate.Variance.ShouldBe(0.25, 1e-12);
        arm.Covariance.ShouldBe(0.3 - 0.2, 1e-12);
    }

    [Fact]
    public void A_covariate_that_does_not_vary_changes_nothing_and_says_so()
    {
        double[] same = [1, 1, 1, 1, 1, 1, 1, 1];
        Cuped cuped = Cuped.Of(Arm(ControlPost, same), Arm(TreatmentPost, same), relative: true);
        cuped.Theta.ShouldBe(0);
        cuped.Adjusted.Estimate.Lower!.Value.ShouldBe(cuped.Unadjusted.Estimate.Lower!.Value, 1e-12);
        cuped.Warning!.ShouldContain("explains nothing");
    }

    [Fact]
    public void Impossible_arms_are_refused_and_a_zero_baseline_has_no_lift()
    {
        Should.Throw<InputException>(() => CovariateArm.OfMeans(Of(5), Of(1), 5)).Message.ShouldContain("at least two");
        Should.Throw<InputException>(() => CovariateArm.OfMeans(Of(ControlPost), Of(ControlPre), 10_000)).Message.ShouldContain("correlate by more than 1");
        double[] centred = [-1, 1, -2, 2, -3, 3, -4, 4];
        Cuped.Of(Arm(centred, ControlPre), Arm(TreatmentPost, TreatmentPre), relative: true).Adjusted.Estimate.ShouldSatisfyAllConditions(
            lift => lift.Value.ShouldBeNull(), lift => lift.Note!.ShouldContain("zero"));
    }

    private static CovariateArm Arm(double[] post, double[] pre) => CovariateArm.OfMeans(Of(post), Of(pre), Cross(post, pre));

    private static Moments Of(params double[] values) => values.Aggregate(default(Moments), (moments, x) => moments.Plus(x));

    private static double Cross(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
