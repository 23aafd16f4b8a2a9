using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class LiftPosteriorTests
{
    private static Estimate Lift(double value, double error) => Estimate.Normal(value, error, 0.95, "delta");

    [Theory]
    // scipy.stats.norm.sf, truncnorm.mean as in gbstats; a prior variance of 0 stands for none.
    [InlineData(0.08, 0.05, 0, 0, 0.08, 0.05, 0.945200708300442, 0.08116209839800814, 0.0011620983980081387)]
    [InlineData(0.08, 0.05, 0, 0.09, 0.07783783783783785, 0.04931969619160719, 0.942743641645632, 0.07904427276639954, 0.0012064349285617008)]
    [InlineData(-0.2, 0.04, 0.1, 0.01, -0.15862068965517243, 0.03713906763541037, 9.730235548277016e-06, 7.718347448658137e-08, 0.1586207668386469)]
    public void Posterior_chance_and_risks_are_those_of_the_normal(
        double value, double error, double priorMean, double priorVariance, double mean, double deviation, double wins, double controlRisk, double treatmentRisk)
    {
        LiftPosterior posterior = LiftPosterior.Of(Lift(value, error), priorVariance == 0 ? null : new LiftPrior(priorMean, priorVariance));
        posterior.Estimate.Value!.Value.ShouldBe(mean, 1e-12);
        posterior.Estimate.StandardError!.Value.ShouldBe(deviation, 1e-12);
        posterior.ChanceToWin!.Value.ShouldBe(wins, 1e-9);
        posterior.ControlRisk!.Value.ShouldBe(controlRisk, 1e-10);
        posterior.TreatmentRisk!.Value.ShouldBe(treatmentRisk, 1e-10);
        posterior.Estimate.Upper!.Value.ShouldBe(mean + 1.959963984540054 * deviation, 1e-12);
    }

    [Fact]
    public void Far_in_a_tail_the_risks_stay_at_zero_or_above()
    {
        for (double value = -5; value <= 5; value += 0.01)
        {
            LiftPosterior posterior = LiftPosterior.Of(Lift(value, 0.1));
            posterior.ControlRisk!.Value.ShouldBeGreaterThanOrEqualTo(0);
            posterior.TreatmentRisk!.Value.ShouldBeGreaterThanOrEqualTo(0);
            (posterior.ControlRisk!.Value - posterior.TreatmentRisk!.Value).ShouldBe(value, 1e-12);
        }
    }

    [Fact]
    public void Without_a_standard_error_there_is_no_posterior_and_a_bad_prior_is_refused()
    {
        LiftPosterior.Of(Estimate.Unavailable("delta", "The control's mean is zero.")).ShouldBe(new LiftPosterior(Estimate.Unavailable("normal-posterior", "The control's mean is zero."), null, null, null));
        LiftPosterior.Of(Lift(0.1, 0)).Estimate.Note!.ShouldContain("varies");
        Should.Throw<InputException>(() => new LiftPrior(0, 0));
        Should.Throw<InputException>(() => new LiftPrior(0, -1));
        Should.Throw<InputException>(() => new LiftPrior(double.NaN, 1));
        Should.Throw<InputException>(() => LiftPosterior.Of(Lift(0.1, 0.1), null, 1));
    }
}
