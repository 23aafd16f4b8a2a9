using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class ProportionTests
{
    [Fact]
    public void Wilson_gives_newcombes_published_interval()
    {
        // Newcombe (1998), Statistics in Medicine 17:857, table I: 81/263.
        Estimate interval = new Proportion(263, 81).Wilson();
        interval.Lower!.Value.ShouldBe(0.2553, 5e-5);
        interval.Upper!.Value.ShouldBe(0.3662, 5e-5);
        new Proportion(20, 0).Wilson().Lower.ShouldBe(0);
        new Proportion(20, 20).Wilson().Upper.ShouldBe(1);
    }

    [Fact]
    public void Newcombes_difference_gives_his_published_interval()
    {
        // Newcombe (1998), Statistics in Medicine 17:873, table II, method 10: 56/70 − 48/80.
        Estimate interval = ProportionComparison.Newcombe(control: new Proportion(80, 48), treatment: new Proportion(70, 56));
        interval.Value!.Value.ShouldBe(0.2, 1e-12);
        interval.Lower!.Value.ShouldBe(0.0524, 5e-5);
        interval.Upper!.Value.ShouldBe(0.3339, 5e-5);
    }

    [Fact]
    public void Koopmans_ratio_gives_his_published_interval()
    {
        // Koopman (1984), Biometrics 40:513: 36/40 against 16/80, risk ratio 4.5 in (2.94, 7.15).
        Estimate interval = Koopman.Lift(control: new Proportion(80, 16), treatment: new Proportion(40, 36));
        interval.Value!.Value.ShouldBe(3.5, 1e-12);
        interval.Lower!.Value.ShouldBe(1.94, 5e-3);
        interval.Upper!.Value.ShouldBe(6.15, 5e-3);
    }

    [Fact]
    public void A_group_without_conversions_leaves_one_bound_open()
    {
        Estimate none = Koopman.Lift(new Proportion(1000, 0), new Proportion(1000, 5));
        none.Value.ShouldBeNull();
        none.Upper.ShouldBe(double.PositiveInfinity);
        none.Lower!.Value.ShouldBeInRange(-1, 5);
        Estimate lost = Koopman.Lift(new Proportion(1000, 5), new Proportion(1000, 0));
        lost.Value.ShouldBe(-1);
        lost.Lower.ShouldBe(-1);
        lost.Upper!.Value.ShouldBeInRange(-0.9, 1);
        Koopman.Lift(new Proportion(10, 0), new Proportion(10, 0)).Note.ShouldNotBeNull();
        LogRiskRatio.Lift(new Proportion(10, 0), new Proportion(10, 3)).Estimate.Value.ShouldBeNull();
    }

    [Fact]
    public void Relative_lift_changes_to_koopman_below_thirty_conversions()
    {
        ProportionComparison.RelativeLift(new Proportion(1000, 29), new Proportion(1000, 40)).Method.ShouldBe("koopman");
        ProportionComparison.RelativeLift(new Proportion(1000, 30), new Proportion(1000, 40)).Method.ShouldBe("log-risk-ratio");
    }

    [Fact]
    public void Log_risk_ratio_follows_its_formula()
    {
        Estimate lift = LogRiskRatio.Lift(new Proportion(5000, 100), new Proportion(4000, 120)).Estimate;
        double error = Math.Sqrt(0.98 / 100 + 0.97 / 120);
        lift.Value!.Value.ShouldBe(0.5, 1e-12);
        lift.Upper!.Value.ShouldBe(1.5 * Math.Exp(1.959963984540054 * error) - 1, 1e-9);
        lift.StandardError!.Value.ShouldBe(1.5 * error, 1e-12);
    }

    [Fact]
    public void Impossible_counts_are_refused()
    {
        Should.Throw<InputException>(() => new Proportion(3, 4)).Message.ShouldContain("4 conversions among 3");
        Should.Throw<InputException>(() => new Proportion(3, 1).Wilson(1));
        new Proportion(0, 0).Wilson().Note.ShouldNotBeNull();
        ProportionComparison.Newcombe(new Proportion(0, 0), new Proportion(1, 0)).Value.ShouldBeNull();
    }

    [Fact]
    public void Welch_gives_students_interval()
    {
        // By hand: SE = √(12.5/5 + 2.75/12) = 1.6520, 4.714 degrees of freedom, t = 2.6182.
        Moments treatment = new double[] { 1, 2, 3, 4, 10 }.Aggregate(default(Moments), (m, x) => m.Plus(x));
        Moments control = new double[] { 1, 1, 2, 3 }.Aggregate(default(Moments), (m, x) => m.Plus(x));
        Estimate difference = Moments.Welch(control, treatment);
        difference.Value!.Value.ShouldBe(2.25, 1e-12);
        difference.StandardError!.Value.ShouldBe(1.6520, 1e-4);
        difference.Lower!.Value.ShouldBe(2.25 - 2.6182 * 1.6520, 1e-3);
        Moments.Welch(default, treatment).Value.ShouldBeNull();
        Moments.Welch(new Moments(2, 2, 2), new Moments(2, 4, 8)).StandardError.ShouldBe(0);
    }
}
