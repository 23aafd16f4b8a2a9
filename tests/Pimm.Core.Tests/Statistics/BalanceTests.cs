using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class BalanceTests
{
    private static (double[][] Covariates, bool[] Treated, double[] Outcomes) Draw(int customers, ulong seed)
    {
        var stream = new RandomStream(seed);
        double[] a = new double[customers], b = new double[customers], y = new double[customers];
        var treated = new bool[customers];
        for (int i = 0; i < customers; i++)
        {
            a[i] = 5 + stream.NextNormal();
            b[i] = 0.5 * a[i] + stream.NextExponential();
            treated[i] = stream.NextDouble() < 0.5;
            y[i] = a[i] + 2 * b[i] + (treated[i] ? 0.3 : 0) + stream.NextNormal() * (1 + b[i]);
        }
        return ([a, b], treated, y);
    }

    [Fact]
    public void Mahalanobis_of_one_covariate_is_the_squared_standardised_distance()
    {
        (double[][] x, bool[] treated, _) = Draw(500, 1);
        double[] t = x[0].Where((_, i) => treated[i]).ToArray(), c = x[0].Where((_, i) => !treated[i]).ToArray();
        double mean = x[0].Average(), variance = x[0].Sum(v => (v - mean) * (v - mean)) / 499;
        double expected = (double)t.Length * c.Length / 500 * Math.Pow(t.Average() - c.Average(), 2) / variance;
        Balance.Of([x[0]], treated).Mahalanobis!.Value.ShouldBe(expected, 1e-9);
    }

    [Fact]
    public void Random_splits_have_the_chi_squared_distances_they_should()
    {
        (double[][] x, _, _) = Draw(2000, 2);
        var geometry = new BalanceGeometry(x, 2000);
        double sum = 0;
        var stream = new RandomStream(3);
        var treated = new bool[2000];
        for (int r = 0; r < 1000; r++)
        {
            for (int i = 0; i < 2000; i++)
                treated[i] = stream.NextDouble() < 0.5;
            sum += geometry.Mahalanobis(treated);
        }
        (sum / 1000).ShouldBe(2, 4 * 2 / Math.Sqrt(1000)); // χ² with 2 degrees: mean 2, variance 4
    }

    [Fact]
    public void Constant_and_repeated_covariates_change_nothing()
    {
        (double[][] x, bool[] treated, double[] y) = Draw(400, 4);
        double[] constant = Enumerable.Repeat(3.7, 400).ToArray(), twice = x[0].Select(v => 2 * v + 1).ToArray();
        Balance.Of([x[0], constant, twice], treated).Mahalanobis!.Value.ShouldBe(Balance.Of([x[0]], treated).Mahalanobis!.Value, 1e-9);
        Balance.Of([constant], treated).Mahalanobis.ShouldBeNull();
        Balance.Of([constant], treated).StandardisedDifferences[0].ShouldBeNull();
        AdjustedMeans with = RegressionAdjustment.Means(y, treated, [x[0], constant, twice])!;
        with.Used.ShouldBe([0]);
        with.Difference().Value!.Value.ShouldBe(RegressionAdjustment.Means(y, treated, [x[0]])!.Difference().Value!.Value, 1e-9);
        RegressionAdjustment.Means(y, treated, [constant]).ShouldBeNull();
    }

    [Fact]
    public void Adjustment_without_useful_covariates_gives_neymans_error()
    {
        (_, bool[] treated, double[] y) = Draw(20_000, 5);
        var stream = new RandomStream(6);
        double[] noise = y.Select(_ => stream.NextNormal()).ToArray();
        Moments control = default, treatment = default;
        for (int i = 0; i < y.Length; i++)
            if (treated[i]) treatment = treatment.Plus(y[i]); else control = control.Plus(y[i]);
        Estimate plain = Moments.Welch(control, treatment), adjusted = RegressionAdjustment.Means(y, treated, [noise])!.Difference();
        (adjusted.StandardError!.Value / plain.StandardError!.Value).ShouldBe(1, 0.002);
    }

    [Fact]
    public void Adjustment_equals_the_interacted_regression_computed_in_exact_fractions()
    {
        double[] y = [1, 3, 2, 5, 4, 6, 8, 7, 3, 9], x = [.1, .5, .9, .2, 1.4, .7, 1.1, 2.0, .3, 1.2];
        bool[] treated = [false, true, false, true, false, true, true, false, false, true];
        Estimate difference = RegressionAdjustment.Means(y, treated, [x])!.Difference();
        difference.Value!.Value.ShouldBe(3.547376212882724, 1e-12);
        difference.StandardError!.Value.ShouldBe(0.7553028510411198, 1e-12);
    }

    [Fact]
    public void Adjusted_intervals_cover_and_are_narrower()
    {
        int covered = 0;
        double narrower = 0;
        for (ulong run = 0; run < 1000; run++)
        {
            (double[][] x, bool[] treated, double[] y) = Draw(300, 1000 + run);
            Estimate adjusted = RegressionAdjustment.Means(y, treated, x)!.Difference();
            if (adjusted.Excludes(0.3) == false) covered++;
            Moments control = default, treatment = default;
            for (int i = 0; i < y.Length; i++)
                if (treated[i]) treatment = treatment.Plus(y[i]); else control = control.Plus(y[i]);
            narrower += adjusted.StandardError!.Value / Moments.Welch(control, treatment).StandardError!.Value / 1000;
        }
        covered.ShouldBeInRange(929, 971); // 950 ± 3 Monte-Carlo errors
        narrower.ShouldBeLessThan(0.95);
    }
}
