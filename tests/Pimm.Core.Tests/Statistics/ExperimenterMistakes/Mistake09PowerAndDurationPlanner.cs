using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>A sequential planner that stretches the standard error by z_seq/z counts the boundary twice.</summary>
public sealed class Mistake09PowerAndDurationPlanner
{
    private static readonly PowerPlan Fixed = PowerPlan.OfRate(0.02);
    private static readonly PowerPlan Sequential = Fixed with { Sequential = true, PlannedTotal = 5000 };

    [Fact]
    public void A_sequential_test_of_five_percent_at_two_percent_needs_1_72_million_customers_and_not_2_40_million()
    {
        (2 * Fixed.SampleSize(0.05, 0.8)).ShouldBe(646_888, 4);
        // scipy.optimize.brentq on Φ(δ/SE − z_seq) = .8: 861,125.01 a group.
        Sequential.SampleSize(0.05, 0.8).ShouldBe(861_126);
        double stretched = 2_397_942.37;
        StretchedPower(0.05, stretched / 2).ShouldBe(0.8, 1e-5);
        Sequential.Power(0.05, stretched / 2).ShouldBeGreaterThan(0.92);
    }

    [Fact]
    public void Power_at_the_last_look_is_seven_percent_where_the_stretched_standard_error_says_twenty_one()
    {
        double n = 341_000 / 2.0;
        StretchedPower(0.05, n).ShouldBe(0.206, 5e-4);
        Sequential.Power(0.05, n).ShouldBe(0.0702, 5e-4);
        // What the plan says happens: an estimate with this error beyond the boundary, drawn 40,000 times.
        var stream = new RandomStream(9);
        double error = Sequential.StandardError(0.05, n), bound = Sequential.CriticalValue(n);
        int found = Enumerable.Range(0, 40_000).Count(_ => Math.Abs(0.05 / error + stream.NextNormal()) > bound);
        (found / 40_000.0).ShouldBe(Sequential.Power(0.05, n), 4 * Math.Sqrt(0.07 * 0.93 / 40_000));
    }

    [Fact]
    public void A_duration_counts_the_days_of_the_looks_and_not_only_the_last_one()
    {
        double n = Sequential.SampleSize(0.05, 0.8), perDay = n / 30;
        StoppingPlan plan = Sequential.Stopping(0.05, perDay, 30);
        plan.Power.ShouldBeInRange(0.8, 0.85);
        plan.ExpectedDays.ShouldBeInRange(10, 25);
        plan.DayOf(0.8)!.Value.ShouldBeLessThanOrEqualTo(30);
    }

    private static double StretchedPower(double lift, double n)
    {
        double z = 1.959963984540054, effect = lift / Fixed.StandardError(lift, n) * z / Sequential.CriticalValue(n);
        return MathNet.Numerics.Distributions.Normal.CDF(0, 1, effect - z) + MathNet.Numerics.Distributions.Normal.CDF(0, 1, -effect - z);
    }
}
