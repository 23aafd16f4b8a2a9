using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class ProportionEffectTests
{
    private static readonly Proportion Control = new(1000, 50);
    private static readonly Proportion Treatment = new(1000, 65);
    private static readonly ConfidenceLevel TwoSided = new();

    [Fact]
    public void Differences_give_their_reference_intervals_and_p()
    {
        // statsmodels: confint_proportions_2indep and test_proportions_2indep(65, 1000, 50, 1000, compare="diff").
        Check(ProportionComparison.Newcombe(Control, Treatment), -0.005531739865897372, 0.03573832244594866);
        TestedEstimate wald = ProportionComparison.Wald(Control, Treatment), caffo = ProportionComparison.AgrestiCaffo(Control, Treatment);
        Check(wald.Estimate, -0.005394458899678035, 0.03539445889967803);
        Check(caffo.Estimate, -0.0055504893386336025, 0.035490609099112655);
        wald.PValue(TwoSided)!.Value.ShouldBe(0.1494317494756352, 1e-9);
        caffo.PValue(TwoSided)!.Value.ShouldBe(0.15276747684196335, 1e-9);
        TwoSided.PValue(MiettinenNurminen.Statistic(Control, Treatment)!.Value).ShouldBe(0.1497449364304248, 1e-9);
    }

    [Fact]
    public void Miettinen_and_nurminens_interval_is_the_published_one()
    {
        // Newcombe (1998), Statistics in Medicine 17:873, table II, method 6: 56/70 − 48/80 in (0.0528, 0.3382), 9/10 − 3/10 in (0.1700, 0.8406).
        Check(MiettinenNurminen.Difference(new Proportion(80, 48), new Proportion(70, 56)), 0.0528, 0.3382, 5e-5);
        Check(MiettinenNurminen.Difference(new Proportion(10, 3), new Proportion(10, 9)), 0.1700, 0.8406, 5e-5);
    }

    [Theory]
    [InlineData(80, 48, 70, 56)]
    [InlineData(100, 0, 100, 0)]
    [InlineData(50, 0, 40, 40)]
    [InlineData(1000000, 20, 2000000, 70)]
    public void Miettinen_and_nurminens_bounds_have_the_critical_statistic(long nc, long xc, long nt, long xt)
    {
        Estimate interval = MiettinenNurminen.Difference(new Proportion(nc, xc), new Proportion(nt, xt));
        interval.Lower!.Value.ShouldBeInRange(-1, interval.Value!.Value);
        interval.Upper!.Value.ShouldBeInRange(interval.Value!.Value, 1);
        foreach (double bound in new[] { interval.Lower.Value, interval.Upper.Value }.Where(bound => Math.Abs(bound) < 1))
            Math.Abs(MiettinenNurminen.Statistic(new Proportion(nc, xc), new Proportion(nt, xt), bound)!.Value).ShouldBe(1.959963984540054, 1e-6);
    }

    [Theory]
    [InlineData(1000, 50, 1000, 80)]
    [InlineData(1000, 80, 1000, 50)]
    [InlineData(30, 0, 20, 5)]
    public void Newcombes_p_is_the_level_at_which_his_interval_touches_zero(long nc, long xc, long nt, long xt)
    {
        Proportion control = new(nc, xc), treatment = new(nt, xt);
        double p = TwoSided.PValue(ProportionComparison.NewcombeStatistic(control, treatment)!.Value);
        Estimate interval = ProportionComparison.Newcombe(control, treatment, 1 - p);
        Math.Min(Math.Abs(interval.Lower!.Value), Math.Abs(interval.Upper!.Value)).ShouldBe(0, 1e-9);
        ProportionComparison.NewcombeStatistic(control, control).ShouldBe(0);
    }

    [Fact]
    public void Log_risk_ratios_give_their_reference_intervals_and_p()
    {
        // statsmodels: confint_proportions_2indep and test_proportions_2indep(65, 1000, 50, 1000, compare="ratio"), methods log and log-adjusted.
        TestedEstimate plain = LogRiskRatio.Lift(Control, Treatment), adjusted = LogRiskRatio.Adjusted(Control, Treatment);
        Check(plain.Estimate, 0.9086914156929652 - 1, 1.8598172831986217 - 1);
        Check(adjusted.Estimate, 0.9081492032884545 - 1, 1.8524335475884066 - 1);
        plain.PValue(TwoSided)!.Value.ShouldBe(0.15102393230803798, 1e-9);
        adjusted.PValue(TwoSided)!.Value.ShouldBe(0.15267216174114934, 1e-9);
        adjusted.Estimate.Value!.Value.ShouldBe(0.3, 1e-12);
    }

    [Fact]
    public void Pooled_error_and_continuity_follow_their_formulas()
    {
        double pooled = 115 / 2000.0, error = Math.Sqrt(pooled * (1 - pooled) * 0.002) / pooled, correction = 0.001 / 0.05;
        TestedEstimate lift = LogRiskRatio.Lift(Control, Treatment, pooled: true, continuity: true);
        Check(lift.Estimate, 1.3 / Math.Exp(1.959963984540054 * error + correction) - 1, 1.3 * Math.Exp(1.959963984540054 * error + correction) - 1);
        lift.Statistic!.Value.ShouldBe((Math.Log(1.3) - correction) / error, 1e-9);
        LogRiskRatio.Lift(new Proportion(1000, 50), new Proportion(1000, 51), continuity: true).Statistic!.Value.ShouldBe(0, 0.05);
    }

    [Fact]
    public void Koopmans_bounds_are_the_reference_ones_and_right_where_everybody_converts()
    {
        // statsmodels: confint_proportions_2indep(65, 1000, 50, 1000, method="score", compare="ratio", correction=False), a numerical solution.
        Check(Koopman.Lift(Control, Treatment), 0.9106284694910297 - 1, 1.856811599084532 - 1, 1e-5);
        // A control of 10/10 leaves p_C = 1 as the likeliest below the estimate: the lower bound is Wilson's of 7/12.
        Koopman.Lift(new Proportion(10, 10), new Proportion(12, 7)).Lower!.Value.ShouldBe(new Proportion(12, 7).Wilson().Lower!.Value - 1, 1e-9);
        TwoSided.PValue(Koopman.Statistic(Control, Treatment)!.Value).ShouldBe(TwoByTwo.PValue(Control, Treatment)!.Value, 1e-12);
    }

    private static void Check(Estimate interval, double lower, double upper, double tolerance = 1e-9)
    {
        interval.Lower!.Value.ShouldBe(lower, tolerance);
        interval.Upper!.Value.ShouldBe(upper, tolerance);
    }
}
