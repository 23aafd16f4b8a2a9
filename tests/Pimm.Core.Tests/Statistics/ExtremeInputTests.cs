using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

/// <summary>Numbers that are valid but far from those of any campaign.</summary>
public sealed class ExtremeInputTests
{
    [Theory]
    [InlineData(1e-85)]
    [InlineData(1e150)]
    public void Tiny_and_huge_units_change_no_degrees_of_freedom(double unit)
    {
        var (control, treatment) = (Moments.OfSums(100, 500, 3000), Moments.OfSums(80, 440, 2900));
        Moments In(Moments arm) => Moments.OfSums(arm.N, arm.Sum * unit, arm.SumSquares * unit * unit);
        double plain = SampleMean.Degrees(control.Sample!.Value, treatment.Sample!.Value);

        SampleMean.Degrees(In(control).Sample!.Value, In(treatment).Sample!.Value).ShouldBe(plain, 1e-9 * plain);
        Estimate difference = Moments.Welch(In(control), In(treatment)), expected = Moments.Welch(control, treatment);
        difference.Upper!.Value.ShouldBe(unit * expected.Upper!.Value, 1e-9 * unit * expected.Upper!.Value);
    }

    [Fact]
    public void Arms_without_any_variance_have_a_difference_and_no_degrees_to_speak_of()
    {
        var arm = new SampleMean(10, 1, 0);
        double.IsNaN(SampleMean.Degrees(arm, arm)).ShouldBeFalse();
        MeanComparison.Welch(arm, arm with { Mean = 2 }).Estimate.Note!.ShouldContain("zero");
    }

    [Fact]
    public void Students_t_of_more_than_ten_million_degrees_is_the_normal()
    {
        // scipy.stats.norm.ppf(.975) and 2·norm.sf(2.5); Student's with 2e9 degrees differ by less than 1e-8.
        TestedEstimate tested = TestedEstimate.Student(2.5, 1, 2e9, 0.95, "given");
        tested.Estimate.Upper!.Value.ShouldBe(2.5 + 1.959963984540054, 1e-8);
        tested.PValue(new ConfidenceLevel())!.Value.ShouldBe(0.012419330651552265, 1e-8);
        foreach (double degrees in new[] { 9.9e6, 1.1e7, 1e12 })
            TestedEstimate.Student(2.5, 1, degrees, 0.95, "given").Estimate.Upper!.Value.ShouldBe(2.5 + 1.959963984540054, 1e-6);
    }

    [Theory]
    [InlineData(1e308, 1e308)]
    [InlineData(1e-320, 1)]
    [InlineData(1, 1e300)]
    public void Weights_that_make_no_shares_are_refused(double first, double second)
    {
        foreach (Action test in new Action[]
            { () => SampleRatio.Of([5, 10], [first, second]), () => SampleRatio.Normal([5, 10], [first, second]), () => SampleRatio.Binomial([5, 10], [first, second]), () => SequentialSampleRatio.Of([[5, 10]], [first, second]) })
            Should.Throw<InputException>(test).Message.ShouldContain("eight");
    }

    [Fact]
    public void A_hopeless_sample_ratio_has_a_p_of_zero()
    {
        SampleRatio.Of([1L << 52, 0], [1e-9, 1]).PValue.ShouldBe(0);
        Estimate.ChiSquareTail(double.PositiveInfinity, 3).ShouldBe(0);
    }

    [Fact]
    public void Counts_that_sum_to_more_than_a_double_counts_are_refused()
    {
        long[] many = [.. Enumerable.Repeat(1L << 53, 1100)];
        double[] weights = [.. many.Select(_ => 1.0)];
        Should.Throw<InputException>(() => SampleRatio.Of(many, weights)).Message.ShouldContain("2^53");
        Should.Throw<InputException>(() => SequentialSampleRatio.Of([many], weights)).Message.ShouldContain("2^53");
        Should.Throw<InputException>(() => SequentialSampleRatio.Of([.. Enumerable.Repeat(new[] { 1L << 52, 1L << 52 }, 1100)], [1, 1])).Message.ShouldContain("2^53");
    }

    [Fact]
    public void A_prior_that_is_sure_of_the_plan_sees_no_mismatch()
    {
        // Dirichlet parameters without bound are the plan itself: the factor is 1.
        SequentialSampleRatio.Of([[20, 40]], [1, 1], [1e15, 1e15]).LogBayesFactor[0].ShouldBe(0, 1e-9);
        Should.Throw<InputException>(() => SequentialSampleRatio.Of([[20, 40]], [1, 1], [1e308, 1e308])).Message.ShouldContain("prior");
    }

    [Theory]
    [InlineData(100, 1.7849111618518322, 2.689881929116116)]
    [InlineData(1e6, 6.798254031487536E-4, -5.295737785104189)]
    [InlineData(1e10, 6.799999825360004E-8, -5.32301452568927)]
    [InlineData(1e15, 6.7999999999982536E-13, -5.323017261661134)]
    public void Evidence_of_counts_keeps_its_digits_whatever_the_plan(double planned, double even, double uneven)
    {
        // ln E in rational numbers, its logarithm with 80 digits.
        SequentialCounts.LogEValue(new(1000, 20), new(1000, 40), planned / 8, 0).ShouldBe(even, 1e-11);
        SequentialCounts.LogEValue(new(90_000, 300), new(100_000, 420), planned / 8, 0).ShouldBe(uneven, 1e-10);
    }

    [Fact]
    public void Aucs_weights_may_be_as_large_as_doubles_go()
    {
        byte[] labels = [0, 1, 0, 1];
        double[] scores = [1, 2, 3, 4];
        WeightedAuc.Of(labels, scores, [1e308, 1e308, 1e308, 1e308])!.Value.ShouldBe(0.75, 1e-12);
        WeightedAuc.Of(labels, scores, [1e-200, 1e-200, 1e-200, 1e-200])!.Value.ShouldBe(0.75, 1e-12);
    }

    [Fact]
    public void Koopmans_search_starts_inside_whatever_the_sizes()
    {
        // Koopman's U(θ) = z² solved with 80 digits.
        Koopman.Lift(new(100_000_000_000, 0), new(1000, 500)).Lower!.Value.ShouldBe(13015888580.848362, 1e-6 * 13015888580.848362);
        Estimate none = Koopman.Lift(new(1000, 500), new(100_000_000_000, 0));
        (1 + none.Upper!.Value).ShouldBe(7.682917641094250E-11, 1e-15);
    }
}
