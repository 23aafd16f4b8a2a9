using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class CorrectedResampledTestTests
{
    private static readonly double[] Differences = [0.021, 0.008, 0.034, -0.005, 0.017, 0.012, 0.026, 0.003, 0.015, 0.019];

    // Numbers of SciPy 1.10: the formula with stats.t.ppf and stats.t.sf.
    [Fact]
    public void Ten_splits_of_80_to_20_agree_with_scipy()
    {
        var test = CorrectedResampledTest.Of(Differences, 0.25);

        test.Mean.ShouldBe(0.015, 1e-15);
        test.StandardError.ShouldBe(0.006658328118479394, 1e-15);
        test.T.ShouldBe(2.2528177844479145, 1e-12);
        test.Degrees.ShouldBe(9);
        test.PValue.ShouldBe(0.05076898368955318, 1e-10);
        test.Lower.ShouldBe(-6.21846450979107e-05, 1e-10);
        test.Upper.ShouldBe(0.03006218464509791, 1e-10);
        test.OneSidedLower.ShouldBe(0.002794532616164089, 1e-10);
    }

    // scipy.stats.ttest_1samp of the same differences.
    [Fact]
    public void Without_training_rows_in_common_it_is_the_paired_t_test()
    {
        var test = CorrectedResampledTest.Of(Differences, 0);

        test.T.ShouldBe(4.214636152117622, 1e-12);
        test.PValue.ShouldBe(0.0022572762331179155, 1e-12);
    }

    // One degree of freedom is Cauchy's distribution: p = 1 − 2·atan(t)/π with t = √2.
    [Fact]
    public void Two_splits_have_the_tails_of_cauchy()
    {
        var test = CorrectedResampledTest.Of([0.1, 0.3], 0.5);

        test.T.ShouldBe(Math.Sqrt(2), 1e-12);
        test.PValue.ShouldBe(1 - 2 * Math.Atan(Math.Sqrt(2)) / Math.PI, 1e-12);
        test.Upper.ShouldBe(0.2 + Math.Tan(0.475 * Math.PI) * Math.Sqrt(0.02), 1e-9);
    }

    [Fact]
    public void Differences_that_do_not_vary_are_certain()
    {
        CorrectedResampledTest.Of([0, 0, 0], 0.25).ShouldBe(new CorrectedResampledTest(0, 0, 0, 2, 1, 0, 0, 0));
        CorrectedResampledTest.Of([0.1, 0.1, 0.1], 0.25).ShouldBe(new CorrectedResampledTest(0.1, 0, double.PositiveInfinity, 2, 0, 0.1, 0.1, 0.1));
        CorrectedResampledTest.Of([-0.1, -0.1], 0.25).T.ShouldBe(double.NegativeInfinity);
    }

    [Fact]
    public void Too_few_differences_and_impossible_numbers_are_refused()
    {
        Should.Throw<InputException>(() => CorrectedResampledTest.Of([0.1], 0.25)).Message.ShouldContain("at least 2 splits");
        Should.Throw<InputException>(() => CorrectedResampledTest.Of([0.1, 0.2], -1)).Message.ShouldContain("-1 is out of bounds");
        Should.Throw<InputException>(() => CorrectedResampledTest.Of([0.1, double.NaN], 0.25)).Message.ShouldContain("split 1");
        Should.Throw<InputException>(() => CorrectedResampledTest.Of([0.1, 0.2], 0.25, 1)).Message.ShouldContain("(0, 1)");
    }
}
