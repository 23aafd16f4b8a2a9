using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class LiftStatisticsTests
{
    [Fact]
    public void Fieller_is_bounded_when_the_denominator_is_clear_and_unbounded_when_it_is_not()
    {
        Estimate Of(double value, double error) => Estimate.Normal(value, error, 0.95, "test");
        Estimate bounded = Fieller.Ratio(Of(6, 1), Of(5, 0.5));
        bounded.Value!.Value.ShouldBe(1.2, 1e-12);
        foreach (double bound in new[] { bounded.Lower!.Value, bounded.Upper!.Value })
            (Math.Abs(6 - bound * 5) / Math.Sqrt(1 + bound * bound * 0.25)).ShouldBe(1.959963984540054, 1e-9);
        Estimate unbounded = Fieller.Ratio(Of(6, 1), Of(1, 0.6));
        unbounded.Upper.ShouldBe(double.PositiveInfinity);
        unbounded.Note!.ShouldStartWith("unbounded");
        Fieller.Ratio(Of(6, 1), Of(0, 1)).Value.ShouldBeNull();
    }

    [Fact]
    public void Increment_follows_its_formula_and_weights_waves_by_delivered_impressions()
    {
        var first = new IncrementWave(new Proportion(2000, 60), new Proportion(200, 4), Delivered: 1600);
        var second = new IncrementWave(new Proportion(1000, 20), new Proportion(100, 1));
        Estimate wave = Increment.OfWave(first);
        wave.Value!.Value.ShouldBe(1000 * (0.03 - 0.02) * 1.25, 1e-9);
        wave.StandardError!.Value.ShouldBe(1000 * Math.Sqrt(0.03 * 0.97 / 2000 + 0.02 * 0.98 / 200) * 1.25, 1e-9);
        Increment.Pooled([first, second]).Value!.Value.ShouldBe((1600 * 12.5 + 1000 * 10) / 2600, 1e-9);
    }

    [Fact]
    public void A_wave_without_held_back_customers_is_left_out_and_named()
    {
        var usable = new IncrementWave(new Proportion(1000, 20), new Proportion(100, 1));
        var bare = new IncrementWave(new Proportion(1000, 20), new Proportion(0, 0));
        Increment.Pooled([usable, bare]).Note!.ShouldContain("wave 2");
        Increment.Pooled([bare]).Value.ShouldBeNull();
        Increment.Pooled([new IncrementWave(new Proportion(5, 0), new Proportion(5, 0), 0)]).Note!.ShouldContain("delivered");
    }

    [Fact]
    public void Sequential_counts_hold_their_level_at_every_look()
    {
        var stream = new RandomStream(11);
        int rejected = 0;
        for (int run = 0; run < 2000; run++)
        {
            long control = 0, treatment = 0;
            bool crossed = false;
            for (int k = 0; k < 800 && !crossed; k++)
            {
                if (stream.NextDouble() < 0.5) treatment++; else control++;
                crossed = Math.Min(control, treatment) >= SequentialCounts.FewestConversions
                    && SequentialCounts.LogEValue(new Proportion(100_000, control), new Proportion(100_000, treatment), a: 100, logRatio: 0) >= Math.Log(20);
            }
            rejected += crossed ? 1 : 0;
        }
        rejected.ShouldBeLessThan(100);
        rejected.ShouldBeGreaterThan(10);
    }

    [Fact]
    public void Sequential_interval_and_rejection_agree_and_small_counts_give_nothing()
    {
        SequentialResult none = SequentialCounts.Look(new Proportion(1000, 9), new Proportion(1000, 50), 100);
        none.EValue.ShouldBeNull();
        none.Note!.ShouldContain("10");
        SequentialResult clear = SequentialCounts.Look(new Proportion(100_000, 300), new Proportion(100_000, 420), 800);
        clear.Reject.ShouldBe(true);
        clear.Lower!.Value.ShouldBeGreaterThan(0);
        SequentialResult unequal = SequentialCounts.Look(new Proportion(50_000, 200), new Proportion(100_000, 420), 800);
        unequal.Reject.ShouldBe(false);
        unequal.Lower!.Value.ShouldBeLessThan(0);
        unequal.Upper!.Value.ShouldBeGreaterThan(0.05);
    }

    [Fact]
    public void Sample_ratio_and_two_by_two_give_the_textbook_values()
    {
        SampleRatio ratio = SampleRatio.Of([821_588, 815_482], [1, 1]);
        ratio.Statistic.ShouldBe(22.775, 0.01);
        ratio.PValue.ShouldBeLessThan(1e-5);
        // R: chisq.test(matrix(c(30,70,50,50),2), correct = FALSE)$p.value; fisher.test(matrix(c(3,1,1,3),2))$p.value
        TwoByTwo.PValue(new Proportion(100, 30), new Proportion(100, 50))!.Value.ShouldBe(0.003892, 1e-6);
        TwoByTwo.PValue(new Proportion(4, 3), new Proportion(4, 1))!.Value.ShouldBe(0.485714, 1e-5);
        TwoByTwo.PValue(new Proportion(4, 0), new Proportion(4, 0)).ShouldBe(1);
        TwoByTwo.PValue(new Proportion(0, 0), new Proportion(4, 0)).ShouldBeNull();
        Should.Throw<InputException>(() => SampleRatio.Of([1, 2], [1, 0]));
    }
}
