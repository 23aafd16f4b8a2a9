using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Taking "no significant harm" for "no harm".</summary>
public sealed class Mistake10NonInferiority
{
    [Fact]
    public void A_small_test_without_significant_harm_does_not_show_that_there_is_none()
    {
        Proportion control = new(1000, 100), treatment = new(1000, 95);
        ProportionComparison.RelativeLift(control, treatment).Excludes(0).ShouldBe(false);
        NonInferiority guard = NonInferiority.OfLift(control, treatment, margin: 0.05, GuardrailDirection.MustNotFall);
        guard.Shown.ShouldBe(false);
        guard.PValue!.Value.ShouldBeGreaterThan(0.3);
        guard.Limit.ShouldBe(-0.05);
    }

    [Fact]
    public void A_large_test_shows_it_even_where_the_harm_is_significant_but_within_the_margin()
    {
        Proportion control = new(2_000_000, 200_000), treatment = new(2_000_000, 198_000);
        ProportionComparison.RelativeLift(control, treatment).Excludes(0).ShouldBe(true);
        NonInferiority guard = NonInferiority.OfLift(control, treatment, 0.02, GuardrailDirection.MustNotFall);
        guard.Shown.ShouldBe(true);
        guard.Bound!.Value.ShouldBeInRange(-0.02, -0.01);
    }

    [Fact]
    public void The_bound_is_one_sided_and_p_is_the_normal_tail_at_the_margin()
    {
        Proportion control = new(20_000, 1000), treatment = new(21_000, 1040);
        NonInferiority guard = NonInferiority.OfLift(control, treatment, 0.1, GuardrailDirection.MustNotFall);
        double log = Math.Log(treatment.Rate!.Value / control.Rate!.Value), error = Math.Sqrt(0.95 / 1000 + (1 - treatment.Rate!.Value) / 1040);
        guard.Bound!.Value.ShouldBe(Math.Exp(log - 1.6448536269514722 * error) - 1, 1e-12);
        guard.PValue!.Value.ShouldBe(MathNet.Numerics.Distributions.Normal.CDF(0, 1, -(log - Math.Log(0.9)) / error), 1e-9);
    }

    [Fact]
    public void Harm_that_is_a_rise_is_bounded_from_above()
    {
        NonInferiority calm = NonInferiority.OfLift(new(500_000, 5000), new(500_000, 5010), 0.1, GuardrailDirection.MustNotRise);
        (calm.Shown, calm.Limit).ShouldBe((true, 0.1));
        NonInferiority rise = NonInferiority.OfLift(new(500_000, 5000), new(500_000, 5900), 0.1, GuardrailDirection.MustNotRise);
        rise.Shown.ShouldBe(false);
        rise.PValue!.Value.ShouldBeGreaterThan(0.99);
        NonInferiority.OfLift(new(500, 0), new(500, 0), 0.1, GuardrailDirection.MustNotRise).Shown.ShouldBeNull();
        NonInferiority.OfLift(new(500, 0), new(500, 3), 0.1, GuardrailDirection.MustNotRise).Shown.ShouldBe(false);
    }

    [Fact]
    public void Margins_that_allow_everything_or_nothing_are_refused()
    {
        foreach (double margin in new[] { 0, -0.1, double.NaN, 1 })
            Should.Throw<InputException>(() => NonInferiority.OfLift(new(500, 50), new(500, 50), margin, GuardrailDirection.MustNotFall));
        Should.Throw<InputException>(() => NonInferiority.OfLift(new(500, 50), new(500, 50), 0.1, GuardrailDirection.MustNotFall, confidence: 0.4));
    }
}
