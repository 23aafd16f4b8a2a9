using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class SampleRatioTests
{
    [Fact]
    public void Every_method_gives_its_reference_p()
    {
        // scipy.stats: chisquare, binomtest; the normal methods by hand.
        SampleRatio three = SampleRatio.Of([500, 420, 610], [0.3, 0.3, 0.4]);
        three.PValue.ShouldBe(0.030461691444005484, 1e-10);
        three.Statistic.ShouldBe(6.9825708061002185, 1e-9);
        SampleRatio.Binomial([10_000, 10_300], [1, 1]).PValue.ShouldBe(0.035852359736159065, 1e-9);
        SampleRatio.Binomial([120, 80], [2, 1]).PValue.ShouldBe(0.05094118698062933, 1e-9);
        SampleRatio.Binomial([80, 120], [1, 2]).PValue.ShouldBe(0.05094118698062933, 1e-9);
        SampleRatio.Normal([10_000, 10_300], [1, 1]).Statistic.ShouldBe(150 / Math.Sqrt(5075), 1e-12);
        SampleRatio.Normal([10_000, 10_300], [1, 1], corrected: true).PValue.ShouldBe(Estimate.PValue(149.5 / Math.Sqrt(5075)), 1e-12);
        SampleRatio.Normal([10_000, 10_000], [1, 1], corrected: true).PValue.ShouldBe(1);
    }

    [Fact]
    public void Methods_of_two_groups_refuse_three()
    {
        Should.Throw<InputException>(() => SampleRatio.Binomial([1, 2, 3], [1, 1, 1])).Message.ShouldContain("chi-square");
        Should.Throw<InputException>(() => SampleRatio.Normal([0, 0], [1, 1]));
    }

    [Fact]
    public void Sequential_bayes_factor_of_one_step_is_that_of_the_betas()
    {
        // By hand: B(5000 + 3, 5000 + 1)/B(5000, 5000)·2⁴, as products of (5000 + i)/(10000 + i).
        double factor = 5000.0 * 5001 * 5002 * 5000 / (10000.0 * 10001 * 10002 * 10003) * 16;
        SequentialSampleRatio.Of([[3, 1]], [1, 1]).LogBayesFactor[0].ShouldBe(Math.Log(factor), 1e-9);
        SequentialSampleRatio.Of([[1, 0]], [1, 3], prior: [2, 2]).LogBayesFactor[0].ShouldBe(Math.Log(0.5 / 0.25), 1e-12);
    }

    [Fact]
    public void Sequential_p_never_rises_and_steps_may_be_cut_as_one_likes()
    {
        long[][] daily = [[500, 520], [480, 530], [1000, 900], [50_000, 51_500]];
        SequentialSampleRatio ratio = SequentialSampleRatio.Of(daily, [1, 1]);
        ratio.PValue.Zip(ratio.PValue.Skip(1)).ShouldAllBe(pair => pair.Second <= pair.First);
        ratio.PValue[3].ShouldBeLessThan(0.001);
        SequentialSampleRatio.Of([[51_980, 53_450]], [2, 2]).LogBayesFactor[0].ShouldBe(ratio.LogBayesFactor[3], 1e-6);
        Should.Throw<InputException>(() => SequentialSampleRatio.Of([[1, 2], [3]], [1, 1])).Message.ShouldContain("Step 2");
        Should.Throw<InputException>(() => SequentialSampleRatio.Of([[1, 2]], [1, 1], [1, 0]));
    }

    [Fact]
    public void Sequential_test_keeps_its_level_read_every_day()
    {
        var stream = new RandomStream(5);
        int alarms = 0;
        for (int run = 0; run < 2000; run++)
        {
            long[][] days = [.. Enumerable.Range(0, 40).Select(_ => Day(stream))];
            alarms += SequentialSampleRatio.Of(days, [1, 1], prior: [50, 50]).PValue[^1] < 0.05 ? 1 : 0;
        }
        alarms.ShouldBeInRange(10, 100);
    }

    private static long[] Day(RandomStream stream)
    {
        long first = Enumerable.Range(0, 50).Count(_ => stream.NextDouble() < 0.5);
        return [first, 50 - first];
    }
}
