using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class StoppingPlanTests
{
    [Fact]
    public void Days_agree_with_a_simulation_of_the_same_looks()
    {
        StoppingPlan plan = StoppingPlan.Of(dailyEffect: 0.35, clockPerDay: 1000, new NormalMixture(30_000, 0.05), days: 30);
        // numpy, 200,000 runs: .0295 by day 10, .2042 by day 30, mean day 27.776; Monte-Carlo errors .0004, .0009, .013.
        plan.StoppedBy[9].ShouldBe(0.02951, 0.0016);
        plan.Power.ShouldBe(0.20423, 0.0036);
        plan.ExpectedDays.ShouldBe(27.77604, 0.05);
        plan.DayOf(0.2).ShouldBe(30);
        plan.DayOf(0.8).ShouldBeNull();
    }

    [Fact]
    public void The_first_day_is_exact_and_the_chance_never_falls()
    {
        var boundary = new NormalMixture(500, 0.05);
        StoppingPlan plan = StoppingPlan.Of(1.5, 100, boundary, 60);
        double bound = boundary.Multiplier(100);
        double exact = Upper(bound - 1.5) + Upper(bound + 1.5);
        plan.StoppedBy[0].ShouldBe(exact, 1e-8);
        plan.StoppedBy.Zip(plan.StoppedBy.Skip(1)).ShouldAllBe(pair => pair.First <= pair.Second);
        plan.Power.ShouldBe(1, 1e-6);
        plan.ExpectedDays.ShouldBeLessThan(10);
    }

    [Fact]
    public void Without_an_effect_it_stops_below_the_level_and_one_sided_only_on_its_side()
    {
        StoppingPlan.Of(0, 100, new NormalMixture(3000, 0.05), 365).Power.ShouldBeInRange(0.005, 0.05);
        StoppingPlan.Of(0, 100, new NormalMixture(3000, 0.05, oneSided: true), 365).Power.ShouldBeInRange(0.005, 0.05);
        StoppingPlan.Of(-1, 100, new NormalMixture(3000, 0.05, oneSided: true), 365).Power.ShouldBeLessThan(0.001);
        StoppingPlan.Of(-1, 100, new NormalMixture(3000, 0.05), 365).Power.ShouldBe(1, 1e-6);
    }

    [Fact]
    public void Looking_daily_finds_more_than_the_last_look_alone()
    {
        PowerPlan plan = PowerPlan.OfRate(0.02) with { Sequential = true, PlannedTotal = 60_000 };
        double lastLook = plan.Power(0.2, 30_000);
        StoppingPlan days = plan.Stopping(0.2, 1000, 30);
        days.Power.ShouldBeInRange(lastLook, lastLook + 0.1);
    }

    [Fact]
    public void Conversions_drive_the_clock_where_the_customers_are_fixed()
    {
        var (effect, clock) = StoppingPlan.OfConversions(controlConversionsPerDay: 10, lift: 0.5);
        clock.ShouldBe(25, 1e-12);
        effect.ShouldBe(Math.Log(1.5) / Math.Sqrt(1 / 10.0 + 1 / 15.0), 1e-12);
        Should.Throw<InputException>(() => StoppingPlan.OfConversions(0, 0.5));
        Should.Throw<InputException>(() => StoppingPlan.OfConversions(10, -1));
        Should.Throw<InputException>(() => StoppingPlan.Of(1, 0, new NormalMixture(1, 0.05), 1));
        Should.Throw<InputException>(() => StoppingPlan.Of(1, 1, new NormalMixture(1, 0.05), 0));
        Should.Throw<InputException>(() => StoppingPlan.Of(double.NaN, 1, new NormalMixture(1, 0.05), 1));
    }

    private static double Upper(double z) => MathNet.Numerics.Distributions.Normal.CDF(0, 1, -z);
}
