using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Bounds for one comparison used for several, and broken experiments pooled with sound ones.</summary>
public sealed class Mistake15SeveralArmsAndPooledExperiments
{
    [Fact]
    public void Sequential_bounds_of_more_than_two_arms_share_the_level_among_the_comparisons()
    {
        PowerPlan two = PowerPlan.OfRate(0.02) with { Sequential = true, PlannedTotal = 100_000 }, four = two with { Groups = 4 };
        four.CriticalValue(50_000).ShouldBe(new NormalMixture(100_000, 0.05 / 3).Multiplier(100_000), 1e-12);
        four.CriticalValue(50_000).ShouldBeGreaterThan(two.CriticalValue(50_000));
        four.SampleSize(0.1, 0.8).ShouldBeGreaterThan(two.SampleSize(0.1, 0.8));
    }

    [Fact]
    public void Three_treatments_without_effect_are_called_within_the_level_by_shared_bounds_and_above_it_by_bounds_of_one()
    {
        var stream = new RandomStream(15);
        int shared = 0, single = 0;
        double z3 = (PowerPlan.OfRate(0.02) with { Groups = 4 }).CriticalValue(1), z1 = PowerPlan.OfRate(0.02).CriticalValue(1);
        for (int run = 0; run < 20_000; run++)
        {
            double control = stream.NextNormal(), largest = 0;
            for (int arm = 0; arm < 3; arm++)
                largest = Math.Max(largest, Math.Abs(stream.NextNormal() - control) / Math.Sqrt(2));
            shared += largest > z3 ? 1 : 0;
            single += largest > z1 ? 1 : 0;
        }
        shared.ShouldBeInRange(600, 1000);
        single.ShouldBeGreaterThan(2000);
    }

    [Fact]
    public void An_experiment_whose_sample_ratio_failed_stays_out_of_a_pooled_lift_by_name()
    {
        PooledExperiment Sound(string name, long converted) => new(name, new(50_000, 500), new(50_000, converted), 0.4);
        var broken = new PooledExperiment("spring", new(50_000, 500), new(40_000, 900), SampleRatio.Of([50_000, 40_000], [1, 1]).PValue);
        PooledLift pooled = PooledLift.Of([Sound("winter", 520), broken, Sound("summer", 560)]);
        pooled.Used.ShouldBe(["winter", "summer"]);
        pooled.LeftOut.Single().Name.ShouldBe("spring");
        pooled.LeftOut.Single().Reason.ShouldContain("sample ratio");
        pooled.Lift.Note!.ShouldContain("spring");
        pooled.Lift.ShouldBe(PooledLift.Of([Sound("winter", 520), Sound("summer", 560)]).Lift with { Note = pooled.Lift.Note });
    }

    [Fact]
    public void Pooling_weights_log_risk_ratios_by_their_precision()
    {
        PooledLift one = PooledLift.Of([new("a", new(50_000, 500), new(50_000, 550), null)]);
        one.Lift.Value!.Value.ShouldBe(0.1, 1e-12);
        one.Lift.Lower!.Value.ShouldBe(LogRiskRatio.Lift(new(50_000, 500), new(50_000, 550)).Estimate.Lower!.Value, 1e-12);
        PooledLift twice = PooledLift.Of([new("a", new(50_000, 500), new(50_000, 550), null), new("b", new(50_000, 500), new(50_000, 550), 0.5)]);
        (twice.Lift.StandardError!.Value * Math.Sqrt(2)).ShouldBe(one.Lift.StandardError!.Value, 1e-12);
        PooledLift none = PooledLift.Of([new("a", new(100, 0), new(100, 5), null)]);
        (none.Lift.Value, none.LeftOut.Count).ShouldBe((null, 1));
    }
}
