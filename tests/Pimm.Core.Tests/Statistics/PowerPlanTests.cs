using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class PowerPlanTests
{
    private static PowerPlan Rate(PowerScale scale) => PowerPlan.OfRate(0.02) with { Scale = scale };

    [Fact]
    public void Power_is_that_of_both_tails_on_either_scale()
    {
        // scipy.stats.norm: cdf(effect − z) + cdf(−effect − z).
        Rate(PowerScale.Relative).Power(0.1, 50_000).ShouldBe(0.574899194994149, 1e-9);
        Rate(PowerScale.Absolute).Power(0.1, 50_000).ShouldBe(0.5969997508867768, 1e-9);
        PowerPlan.OfMean(-12.5, 400).Power(0.1, 3000).ShouldBe(0.7205712930169836, 1e-9);
        Rate(PowerScale.Relative).Power(0, 50_000).ShouldBe(0.05, 1e-9);
    }

    [Fact]
    public void Sample_size_on_the_absolute_scale_is_bookings_with_bernoulli_variances_and_bonferroni()
    {
        // (z(1 − α/(2(k − 1))) + z(.8))²·(p₁(1 − p₁) + p₂(1 − p₂))/(p₁δ)² with scipy: 80,678.63 and 97,702.27.
        Rate(PowerScale.Absolute).SampleSize(0.1, 0.8).ShouldBe(80_679);
        (Rate(PowerScale.Absolute) with { Groups = 3 }).SampleSize(0.1, 0.8).ShouldBe(97_703);
    }

    [Fact]
    public void Detectable_lift_is_the_root_of_its_quadratic_and_absent_where_there_is_none()
    {
        Rate(PowerScale.Relative).MinimumDetectableLift(50_000, 0.8)!.Value.ShouldBe(0.13250383430390594, 1e-9);
        Rate(PowerScale.Absolute).MinimumDetectableLift(50_000, 0.8)!.Value.ShouldBe(0.12784579367499613, 1e-9);
        double least = 400 * Math.Pow(1.959963984540054 + 0.8416212335729143, 2) / (12.5 * 12.5);
        PowerPlan.OfMean(12.5, 400).MinimumDetectableLift(least * 0.99, 0.8).ShouldBeNull();
        PowerPlan.OfMean(12.5, 400).MinimumDetectableLift(least * 1.01, 0.8)!.Value.ShouldBeGreaterThan(10);
        PowerPlan.OfRate(0.9).MinimumDetectableLift(10, 0.8).ShouldBeNull();
    }

    [Theory]
    [InlineData(PowerScale.Relative, false, Alternative.TwoSided)]
    [InlineData(PowerScale.Absolute, false, Alternative.Greater)]
    [InlineData(PowerScale.Relative, true, Alternative.TwoSided)]
    [InlineData(PowerScale.Absolute, true, Alternative.Less)]
    public void The_three_answers_agree_with_one_another(PowerScale scale, bool sequential, Alternative alternative)
    {
        PowerPlan plan = Rate(scale) with { Sequential = sequential, PlannedTotal = sequential ? 20_000 : null, Level = new ConfidenceLevel(0.9, alternative), Groups = 3 };
        double lift = alternative == Alternative.Less ? -0.12 : 0.12, n = plan.SampleSize(lift, 0.7);
        plan.Power(lift, n).ShouldBeInRange(0.7, 0.7 + 1e-4);
        plan.Power(lift, n - 1).ShouldBeLessThan(0.7 + 1e-5);
        plan.MinimumDetectableLift(n, 0.7)!.Value.ShouldBe(lift, 1e-5);
    }

    [Fact]
    public void A_two_sided_plan_finds_a_loss_as_a_gain_and_a_one_sided_plan_only_its_side()
    {
        PowerPlan plan = Rate(PowerScale.Absolute);
        plan.Power(-0.1, 50_000).ShouldBeGreaterThan(plan.Power(0.1, 50_000)); // fewer conversions vary less
        plan.SampleSize(-0.1, 0.8).ShouldBeLessThan(plan.SampleSize(0.1, 0.8));
        PowerPlan greater = plan with { Level = new ConfidenceLevel(0.95, Alternative.Greater) };
        greater.Power(-0.1, 50_000).ShouldBeLessThan(0.001);
        Should.Throw<InputException>(() => greater.SampleSize(-0.1, 0.8));
    }

    [Theory]
    [InlineData(-10, 0.2)]
    [InlineData(-10, -0.2)]
    [InlineData(-10, 1.5)]
    [InlineData(10, 0.2)]
    [InlineData(10, -1.5)]
    public void The_standard_error_is_that_of_the_delta_method_for_means_of_either_sign(double mean, double lift)
    {
        var (control, treatment) = (new SampleMean(60, mean, 100), new SampleMean(60, mean + lift * Math.Abs(mean), 100));
        PowerPlan.OfMean(mean, 100).StandardError(lift, 60).ShouldBe(MeanComparison.DeltaLift(control, treatment).Estimate.StandardError!.Value, 1e-12);
    }

    [Fact]
    public void A_mean_may_fall_below_zero_and_a_rate_may_not()
    {
        PowerPlan loss = PowerPlan.OfMean(1, 100) with { Scale = PowerScale.Absolute, Level = new ConfidenceLevel(0.95, Alternative.Less) };
        // (norm.ppf(.95) + norm.ppf(.8))·√(200/100), scipy.
        loss.MinimumDetectableLift(100, 0.8)!.Value.ShouldBe(-3.5164064702533366, 1e-8);
        double lift = (loss with { Scale = PowerScale.Relative }).MinimumDetectableLift(400, 0.8)!.Value;
        lift.ShouldBeInRange(-2, -1);
        (loss with { Scale = PowerScale.Relative }).Power(lift, 400).ShouldBe(0.8, 1e-6);
        (PowerPlan.OfRate(0.01) with { Level = loss.Level }).MinimumDetectableLift(100, 0.8).ShouldBeNull();
    }

    [Fact]
    public void Impossible_plans_are_refused_with_the_value()
    {
        foreach (double rate in new[] { 0, 1, -0.1, 1.5, double.NaN })
            Should.Throw<InputException>(() => PowerPlan.OfRate(rate)).Message.ShouldContain("rate");
        Should.Throw<InputException>(() => PowerPlan.OfMean(0, 1));
        Should.Throw<InputException>(() => PowerPlan.OfMean(1, 0));
        Should.Throw<InputException>(() => PowerPlan.OfRate(0.6).Power(0.7, 100)).Message.ShouldContain("0.7");
        Should.Throw<InputException>(() => PowerPlan.OfRate(0.6).Power(0.1, 0));
        Should.Throw<InputException>(() => PowerPlan.OfRate(0.6).SampleSize(0.1, 0.05));
        Should.Throw<InputException>(() => PowerPlan.OfRate(0.6).SampleSize(0, 0.8));
        Should.Throw<InputException>(() => (PowerPlan.OfRate(0.6) with { Groups = 1 }).Power(0.1, 100));
    }
}
