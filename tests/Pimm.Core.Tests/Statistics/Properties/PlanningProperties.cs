using FsCheck;
using FsCheck.Fluent;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.Properties;

public sealed class PlanningProperties
{
    private static readonly Gen<PowerPlan> Plans =
        from rate in Gen.Choose(1, 6000).Select(rate => rate / 10_000.0)
        from isRate in Gen.Elements(true, false)
        from scale in Gen.Elements(PowerScale.Relative, PowerScale.Absolute)
        from groups in Gen.Choose(2, 5)
        from alternative in Gen.Elements(Alternative.TwoSided, Alternative.Greater)
        from confidence in Gen.Choose(8000, 9900)
        from planned in Gen.Elements<double?>(null, 1000, 1_000_000)
        from sequential in Gen.Elements(true, false)
        select (isRate ? PowerPlan.OfRate(rate) : PowerPlan.OfMean(-20 * rate, 3)) with
        {
            Scale = scale, Groups = groups, Level = new ConfidenceLevel(confidence / 10_000.0, alternative), Sequential = sequential, PlannedTotal = planned,
        };

    private static readonly Gen<double> Lift = Gen.Choose(1, 60).Select(lift => lift / 100.0);

    [Fact]
    public void Power_grows_with_customers_and_lift_and_shrinks_with_confidence_and_groups() => Given.ForAll(Plans, Lift.Zip(Given.Customers), (plan, with) =>
    {
        (double lift, long n) = with;
        double power = plan.Power(lift, n);
        power.ShouldBeInRange(0, 1 + 1e-12);
        // A sequential boundary widens for ever, a trifle faster than the evidence of next to no effect grows.
        if (!plan.Sequential || power > 0.1)
            plan.Power(lift, 2 * n).ShouldBeGreaterThanOrEqualTo(power - 1e-12);
        if (!plan.Sequential || plan.Level.Alternative == Alternative.TwoSided)
            (plan with { Groups = plan.Groups + 1 }).Power(lift, n).ShouldBeLessThanOrEqualTo(power + 1e-12);
        (plan with { Sequential = false }).Power(lift, n).ShouldBeGreaterThanOrEqualTo(power - 1e-12);
        (plan with { Level = new ConfidenceLevel(0.995, plan.Level.Alternative), PlannedTotal = plan.PlannedTotal ?? 2 * n }).Power(lift, n).ShouldBeLessThanOrEqualTo(power + 1e-6);
        plan.Power(lift * 1.05, n).ShouldBeGreaterThanOrEqualTo(power - 1e-9);
    });

    [Fact]
    public void Sample_size_is_the_first_with_the_power_and_the_detectable_lift_undoes_it() => Given.ForAll(Plans, Lift.Zip(Gen.Choose(50, 95).Select(power => power / 100.0)), (plan, with) =>
    {
        (double lift, double power) = with;
        double n = plan.SampleSize(lift, power);
        plan.Power(lift, n).ShouldBeGreaterThanOrEqualTo(power - 1e-9);
        if (n > 1)
            plan.Power(lift, n - 1).ShouldBeLessThan(power + 0.01);
        plan.MinimumDetectableLift(n, power)!.Value.ShouldBeLessThanOrEqualTo(lift * (1 + 1e-9));
        if (n > 1000)
            plan.MinimumDetectableLift(n, power)!.Value.ShouldBe(lift, 0.01 * lift);
        plan.SampleSize(lift, Math.Min(0.99, power + 0.03)).ShouldBeGreaterThanOrEqualTo(n);
    });

    [Fact]
    public void The_standard_error_planned_is_the_one_measured_whatever_sign_and_unit_the_mean_has() => Given.ForAll(
        Gen.Elements(-1e80, -50, -0.3, -1e-80, 1e-80, 2, 1e6), Gen.Choose(-250, 250).Select(lift => lift / 100.0).Zip(Gen.Choose(2, 100_000)), (mean, with) =>
        {
            (double lift, int n) = with;
            double variance = 3 * mean * mean;
            var (control, treatment) = (new SampleMean(n, mean, variance), new SampleMean(n, mean + lift * Math.Abs(mean), variance));
            PowerPlan relative = PowerPlan.OfMean(mean, variance), absolute = relative with { Scale = PowerScale.Absolute };
            double measured = MeanComparison.DeltaLift(control, treatment).Estimate.StandardError!.Value;
            relative.StandardError(lift, n).ShouldBe(measured, 1e-9 * measured);
            measured = MeanComparison.Welch(control, treatment).Estimate.StandardError!.Value / Math.Abs(mean);
            absolute.StandardError(lift, n).ShouldBe(measured, 1e-9 * measured);
            PowerPlan.OfMean(-mean, variance).Power(-lift, n).ShouldBe(relative.Power(lift, n), 1e-9);
        });

    [Fact]
    public void The_detectable_lift_is_found_with_the_power_where_there_is_one() => Given.ForAll(
        Gen.Elements(-5.0, 5), Gen.Choose(20, 20_000).Zip(Gen.Elements(PowerScale.Relative, PowerScale.Absolute)).Zip(Gen.Elements(Alternative.TwoSided, Alternative.Greater, Alternative.Less)), (mean, with) =>
        {
            ((int n, PowerScale scale), Alternative alternative) = with;
            PowerPlan plan = PowerPlan.OfMean(mean, 400) with { Scale = scale, Level = new ConfidenceLevel(0.95, alternative) };
            if (plan.MinimumDetectableLift(n, 0.8) is not { } lift)
                return;
            plan.CanFind(lift).ShouldBeTrue();
            plan.Power(lift, n).ShouldBe(0.8, 1e-4);
        });

    [Fact]
    public void A_rerandomised_variance_falls_with_the_acceptance_and_rises_with_covariates() => Given.ForAll(Gen.Choose(1, 60), Gen.Choose(1, 999).Select(p => p / 1000.0), (covariates, acceptance) =>
    {
        Rerandomisation of = Rerandomisation.Of(covariates, acceptance);
        of.ShouldHaveNoNaN();
        of.VarianceRatio.ShouldBeInRange(0, 1);
        Rerandomisation.Of(covariates, acceptance / 2).VarianceRatio.ShouldBeLessThan(of.VarianceRatio);
        Rerandomisation.Of(covariates + 1, acceptance).VarianceRatio.ShouldBeGreaterThan(of.VarianceRatio);
        Estimate.ChiSquareTail(of.Threshold, covariates).ShouldBe(1 - acceptance, 1e-9);
    });

    [Fact]
    public void A_stopping_plan_never_loses_days_and_ends_sooner_with_more_effect() => Given.ForAll(Gen.Choose(0, 150).Select(e => e / 100.0), Gen.Choose(1, 40), (effect, days) =>
    {
        var boundary = new NormalMixture(3000, 0.05);
        StoppingPlan plan = StoppingPlan.Of(effect, 100, boundary, days), mirrored = StoppingPlan.Of(-effect, 100, boundary, days);
        plan.StoppedBy.Zip(plan.StoppedBy.Skip(1)).ShouldAllBe(pair => pair.First <= pair.Second);
        plan.ExpectedDays.ShouldBeInRange(1, days);
        mirrored.Power.ShouldBe(plan.Power, 1e-8);
        StoppingPlan.Of(effect + 0.1, 100, boundary, days).ExpectedDays.ShouldBeLessThanOrEqualTo(plan.ExpectedDays + 1e-7);
    });

    private static readonly Gen<IncrementWave> Wave =
        from exported in Given.Arm
        from held in Given.Arm
        from delivered in Gen.Choose(0, 100).Select(share => share * exported.N / 100)
        from reported in Gen.Elements(true, false)
        from share in Gen.Elements<double?>(null, 0.05, 0.5)
        select new IncrementWave(exported, held, reported ? delivered : null, share);

    [Fact]
    public void Increments_do_not_know_the_order_of_their_waves() => Given.ForAll(Gen.Two(Wave), Given.Confidence, (waves, confidence) =>
    {
        Estimate one = Increment.Pooled([waves.Item1, waves.Item2], confidence), other = Increment.Pooled([waves.Item2, waves.Item1], confidence);
        one.ShouldHaveNoNaN();
        (other.Value - one.Value ?? 0).ShouldBe(0, 1e-9 * (1 + Math.Abs(one.Value ?? 0)));
        (other.StandardError - one.StandardError ?? 0).ShouldBe(0, 1e-9 * (1 + (one.StandardError ?? 0)));
        if (one.Lower is { } lower)
            lower.ShouldBeLessThanOrEqualTo(one.Upper!.Value);
        ProportionProperties.Contains("increment", Increment.Pooled([waves.Item1, waves.Item2], (1 + confidence) / 2), one);
    });

    [Fact]
    public void Non_inferiority_is_shown_exactly_below_its_level_and_more_easily_with_a_wider_margin() =>
        Given.ForAll(Given.OpenArms, Given.Confidence.Zip(Gen.Choose(1, 90).Select(m => m / 100.0)).Zip(Gen.Elements(GuardrailDirection.MustNotFall, GuardrailDirection.MustNotRise)), (arms, with) =>
        {
            ((double confidence, double margin), GuardrailDirection direction) = with;
            NonInferiority guard = NonInferiority.OfLift(arms.Control, arms.Treatment, margin, direction, confidence);
            guard.ShouldHaveNoNaN();
            if (Math.Abs(guard.PValue!.Value - (1 - confidence)) > 1e-9)
                guard.Shown.ShouldBe(guard.PValue < 1 - confidence);
            NonInferiority wider = NonInferiority.OfLift(arms.Control, arms.Treatment, Math.Min(0.95, margin * 1.05), direction, confidence);
            wider.PValue!.Value.ShouldBeLessThanOrEqualTo(guard.PValue!.Value + 1e-9);
        });
}
