using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class NormalMixtureTests
{
    [Fact]
    public void Multiplier_is_the_published_boundary_two_sided_and_one_sided()
    {
        // GrowthBook's halfwidth ÷ SE and Eppo's B, which are one boundary: both 3.0614772 at 20,000 tuned at 10,000.
        new NormalMixture(10_000, 0.05).Multiplier(20_000).ShouldBe(3.061477218867417, 1e-12);
        new NormalMixture(50_000, 0.01).Multiplier(300).ShouldBe(11.972337526056748, 1e-11);
        // The one-sided form of gbstats, its rho at 2 alpha, in double precision by hand in Python.
        new NormalMixture(10_000, 0.05, oneSided: true).Multiplier(20_000).ShouldBe(2.8013307238473715, 1e-12);
        new NormalMixture(5_000, 0.1, oneSided: true).Multiplier(1_000_000).ShouldBe(3.1750292536960325, 1e-12);
    }

    [Fact]
    public void P_is_the_level_at_which_the_boundary_would_just_be_touched()
    {
        // scipy.optimize.brentq on the boundary, the tuning held.
        new NormalMixture(10_000, 0.05).PValue(20_000, 3.5).ShouldBe(0.012917887929084567, 1e-12);
        new NormalMixture(10_000, 0.05, oneSided: true).PValue(20_000, 3.5).ShouldBe(0.006351278662234671, 1e-12);
        foreach (bool oneSided in new[] { false, true })
        {
            var mixture = new NormalMixture(10_000, 0.05, oneSided);
            mixture.PValue(20_000, mixture.Multiplier(20_000)).ShouldBe(0.05, 1e-12);
            mixture.PValue(0, 100).ShouldBe(1);
            mixture.PValue(20_000, 0).ShouldBe(1);
            mixture.PValue(20_000, 60).ShouldBeLessThan(1e-300);
        }
        new NormalMixture(10_000, 0.05, oneSided: true).PValue(20_000, -5).ShouldBe(1);
        new NormalMixture(10_000, 0.05).PValue(20_000, -3.5).ShouldBe(0.012917887929084567, 1e-12);
    }

    [Fact]
    public void It_is_never_below_the_fixed_critical_value_and_costs_least_at_the_plan()
    {
        var mixture = new NormalMixture(1000, 0.05);
        for (double clock = 1; clock < 1e9; clock *= 1.5)
            mixture.Multiplier(clock).ShouldBeGreaterThan(1.96);
        // For a given clock no other plan is narrower than the one made for it, but for what the tuning's approximation leaves.
        double planned = mixture.Multiplier(1000);
        foreach (double other in new[] { 100.0, 300, 3000, 10_000 })
            new NormalMixture(other, 0.05).Multiplier(1000).ShouldBeGreaterThan(planned);
        mixture.Multiplier(0).ShouldBe(double.PositiveInfinity);
    }

    [Theory]
    [InlineData(0, 0.05, false, 10)]
    [InlineData(-1, 0.05, false, 10)]
    [InlineData(double.PositiveInfinity, 0.05, false, 10)]
    [InlineData(1000, 0, false, 10)]
    [InlineData(1000, 1, false, 10)]
    [InlineData(1000, 0.5, true, 10)]
    [InlineData(1000, double.NaN, false, 10)]
    [InlineData(1000, 0.05, false, -1)]
    [InlineData(1000, 0.05, false, double.NaN)]
    public void Impossible_plans_levels_and_clocks_are_refused(double planned, double alpha, bool oneSided, double clock) =>
        Should.Throw<InputException>(() => new NormalMixture(planned, alpha, oneSided).Multiplier(clock));

    [Fact]
    public void Lift_of_proportions_is_bounded_on_the_log_scale_with_customers_as_clock()
    {
        Proportion control = new(50_000, 420), treatment = new(50_100, 505);
        SequentialEstimate look = SequentialEstimate.OfRatio(LogRiskRatio.Lift(control, treatment).Estimate, 100_100, 120_000, new ConfidenceLevel());
        // The formulas of gbstats on ln RR, by hand in Python.
        look.Multiplier!.Value.ShouldBe(3.0387591820628814, 1e-10);
        look.Estimate.Lower!.Value.ShouldBe(-0.01729807337368372, 1e-9);
        look.Estimate.Upper!.Value.ShouldBe(0.4653012661379359, 1e-9);
        look.PValue!.Value.ShouldBe(0.09772835338933912, 1e-9);
        SequentialEstimate greater = SequentialEstimate.OfRatio(LogRiskRatio.Lift(control, treatment).Estimate, 100_100, 120_000, new ConfidenceLevel(0.95, Alternative.Greater));
        greater.Estimate.Upper.ShouldBe(double.PositiveInfinity);
        greater.Estimate.Lower!.Value.ShouldBeInRange(look.Estimate.Lower!.Value, look.Estimate.Value!.Value);
        greater.PValue!.Value.ShouldBeLessThan(look.PValue!.Value);
        SequentialEstimate less = SequentialEstimate.OfRatio(LogRiskRatio.Lift(control, treatment).Estimate, 100_100, 120_000, new ConfidenceLevel(0.95, Alternative.Less));
        (less.Estimate.Lower, less.PValue).ShouldBe((-1, 1));
    }

    [Fact]
    public void What_has_no_standard_error_has_no_bound_and_says_so()
    {
        var level = new ConfidenceLevel();
        SequentialEstimate.OfRatio(LogRiskRatio.Lift(new(100, 0), new(100, 5)).Estimate, 200, 1000, level).Estimate.Note!.ShouldContain("control");
        SequentialEstimate none = SequentialEstimate.OfRatio(LogRiskRatio.Lift(new(100, 5), new(100, 0)).Estimate, 200, 1000, level);
        (none.Estimate.Value, none.Estimate.Lower, none.PValue, none.Multiplier).ShouldBe((-1.0, null, null, null));
        SequentialEstimate still = SequentialEstimate.Of(new Estimate(0.2, 0, 0.2, 0.2, "any"), 200, 1000, level);
        (still.Estimate.Lower, still.PValue).ShouldBe((null, null));
        still.Estimate.Note!.ShouldContain("varies");
        SequentialEstimate.Of(new Estimate(0.2, 0.1, 0, 1, "any"), 0, 1000, level).Estimate.Note!.ShouldContain("counted");
    }

    [Fact]
    public void Daily_looks_at_nothing_stay_below_the_level_and_a_fixed_interval_does_not()
    {
        var stream = new RandomStream(21);
        int sequential = 0, peeking = 0;
        for (int run = 0; run < 4000; run++)
        {
            double sum = 0;
            bool crossed = false, passed = false;
            var mixture = new NormalMixture(30, 0.05);
            for (int day = 1; day <= 30; day++)
            {
                sum += stream.NextNormal();
                double z = Math.Abs(sum) / Math.Sqrt(day);
                crossed |= z > mixture.Multiplier(day);
                passed |= z > 1.96;
            }
            sequential += crossed ? 1 : 0;
            peeking += passed ? 1 : 0;
        }
        sequential.ShouldBeInRange(10, 200);
        peeking.ShouldBeGreaterThan(800);
    }

    [Fact]
    public void A_log_ratio_from_elsewhere_gives_the_lift_that_the_counts_give()
    {
        var (control, treatment) = (new Proportion(50_000, 420), new Proportion(50_100, 505));
        var level = new ConfidenceLevel(0.9);
        TestedEstimate lift = LogRiskRatio.Lift(control, treatment);
        double log = Math.Log(treatment.Rate!.Value / control.Rate!.Value);
        SequentialEstimate counted = SequentialEstimate.OfRatio(lift.Estimate, 100_100, 120_000, level);
        SequentialEstimate given = SequentialEstimate.OfLogRatio(log, log / lift.Statistic!.Value, 100_100, 120_000, level);

        given.Estimate.Value!.Value.ShouldBe(counted.Estimate.Value!.Value, 1e-12);
        given.Estimate.StandardError!.Value.ShouldBe(counted.Estimate.StandardError!.Value, 1e-12);
        given.Estimate.Lower!.Value.ShouldBe(counted.Estimate.Lower!.Value, 1e-12);
        given.Estimate.Upper!.Value.ShouldBe(counted.Estimate.Upper!.Value, 1e-12);
        given.PValue!.Value.ShouldBe(counted.PValue!.Value, 1e-12);
        SequentialEstimate.OfLogRatio(log, 0, 100, 1000, level).Estimate.Note!.ShouldContain("varies");
        Should.Throw<InputException>(() => SequentialEstimate.OfLogRatio(31, 1, 100, 1000, level)).Message.ShouldContain("31");
    }
}
