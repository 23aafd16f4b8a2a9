using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class MeanEffectTests
{
    private static readonly SampleMean Control = Of(1, 1, 2, 3);
    private static readonly SampleMean Treatment = Of(1, 2, 3, 4, 10);

    [Fact]
    public void Welch_gives_the_reference_p_on_every_side()
    {
        // scipy.stats.ttest_ind([1, 2, 3, 4, 10], [1, 1, 2, 3], equal_var=False, alternative=…)
        TestedEstimate welch = MeanComparison.Welch(Control, Treatment);
        welch.Statistic!.Value.ShouldBe(1.3619698352243594, 1e-12);
        welch.PValue(new ConfidenceLevel())!.Value.ShouldBe(0.23467141981109862, 1e-9);
        welch.PValue(new ConfidenceLevel(0.95, Alternative.Greater))!.Value.ShouldBe(0.11733570990554931, 1e-9);
        welch.PValue(new ConfidenceLevel(0.95, Alternative.Less))!.Value.ShouldBe(0.8826642900944507, 1e-9);
    }

    [Fact]
    public void Delta_and_fieller_follow_their_formulas()
    {
        double vt = 12.5 / 5, vc = 2.75 / 3 / 4, ratio = 4 / 1.75, error = Math.Sqrt(vt + ratio * ratio * vc) / 1.75;
        TestedEstimate delta = MeanComparison.DeltaLift(Control, Treatment);
        delta.Estimate.Value!.Value.ShouldBe(ratio - 1, 1e-12);
        delta.Estimate.StandardError!.Value.ShouldBe(error, 1e-12);
        // scipy.stats.t.ppf(0.975, 4.7139…): the degrees of freedom are those of the difference.
        ((delta.Estimate.Upper!.Value - ratio + 1) / error).ShouldBe(2.6182, 1e-4);
        TestedEstimate fieller = MeanComparison.FiellerLift(Control, Treatment);
        foreach (double bound in new[] { fieller.Estimate.Lower!.Value + 1, fieller.Estimate.Upper!.Value + 1 })
            (Math.Abs(4 - bound * 1.75) / Math.Sqrt(vt + bound * bound * vc)).ShouldBe(1.959963984540054, 1e-9);
    }

    [Fact]
    public void Fieller_is_unbounded_and_still_tested_where_the_baseline_cannot_be_told_from_zero()
    {
        TestedEstimate lift = MeanComparison.FiellerLift(new SampleMean(10, 0.5, 4), new SampleMean(10, 3, 4));
        (lift.Estimate.Lower, lift.Estimate.Upper).ShouldBe((double.NegativeInfinity, double.PositiveInfinity));
        lift.Estimate.Note!.ShouldStartWith("unbounded");
        lift.PValue(new ConfidenceLevel())!.Value.ShouldBe(Estimate.PValue(2.5 / Math.Sqrt(0.8)), 1e-12);
    }

    [Fact]
    public void A_ratio_has_the_variance_of_its_linearised_values()
    {
        double[] orders = [1, 0, 2, 3, 1], visits = [2, 1, 3, 3, 4];
        double ratio = 7.0 / 13;
        Moments residuals = orders.Zip(visits, (m, d) => (m - ratio * d) / 2.6).Aggregate(default(Moments), (moments, x) => moments.Plus(x));
        SampleMean sample = Ratio(orders, visits).Linearised()!.Value;
        sample.Mean.ShouldBe(ratio, 1e-12);
        sample.Variance.ShouldBe(residuals.Variance!.Value, 1e-12);
        new RatioMoments(new Moments(5, 7, 15), new Moments(5, 0, 3), 0).Linearised().ShouldBeNull();
    }

    [Fact]
    public void Sums_that_no_values_have_are_refused()
    {
        Should.Throw<InputException>(() => Moments.OfSums(10, 10, 9)).Message.ShouldContain("negative variance");
        Should.Throw<InputException>(() => Moments.OfSums(10, double.NaN, 9));
        Should.Throw<InputException>(() => Moments.OfSums(0, 0, 0));
        Should.Throw<InputException>(() => new RatioMoments(new Moments(5, 7, 15), new Moments(5, 13, 39), 100).Linearised()).Message.ShouldContain("correlate");
        // Rounding of a constant's sums is no negative variance.
        Moments.OfSums(3, 0.3, 0.3 * 0.3 / 3 * (1 - 1e-16)).Variance!.Value.ShouldBe(0, 1e-12);
    }

    [Fact]
    public void Without_variance_there_is_an_estimate_but_no_interval_and_no_test()
    {
        TestedEstimate welch = MeanComparison.Welch(new SampleMean(5, 1, 0), new SampleMean(5, 2, 0));
        welch.Estimate.Value.ShouldBe(1);
        (welch.Estimate.Lower, welch.PValue(new ConfidenceLevel())).ShouldBe((null, null));
        welch.Estimate.Note.ShouldNotBeNull();
        MeanComparison.Welch(new SampleMean(1, 1, 0), Treatment).Estimate.Note!.ShouldContain("two customers");
    }

    [Theory]
    [InlineData(Alternative.Greater)]
    [InlineData(Alternative.Less)]
    public void A_one_sided_bound_is_one_of_the_two_sided_interval_of_twice_the_error(Alternative alternative)
    {
        var level = new ConfidenceLevel(0.95, alternative);
        Estimate both = MeanComparison.Welch(Control, Treatment, 0.9).Estimate;
        Estimate one = level.Bounds(MeanComparison.Welch(Control, Treatment, level.Interval).Estimate);
        (alternative == Alternative.Greater ? one.Lower : one.Upper)!.Value.ShouldBe((alternative == Alternative.Greater ? both.Lower : both.Upper)!.Value, 1e-12);
        (alternative == Alternative.Greater ? one.Upper : -one.Lower).ShouldBe(double.PositiveInfinity);
        Should.Throw<InputException>(() => new ConfidenceLevel(0.5, alternative));
    }

    private static SampleMean Of(params double[] values) => values.Aggregate(default(Moments), (moments, x) => moments.Plus(x)).Sample!.Value;

    private static RatioMoments Ratio(double[] numerators, double[] denominators) => new(
        numerators.Aggregate(default(Moments), (moments, x) => moments.Plus(x)),
        denominators.Aggregate(default(Moments), (moments, x) => moments.Plus(x)), numerators.Zip(denominators, (m, d) => m * d).Sum());
}
