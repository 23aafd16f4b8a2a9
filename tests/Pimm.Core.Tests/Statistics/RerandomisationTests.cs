using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class RerandomisationTests
{
    [Theory]
    // scipy.stats.chi2: ppf(p, k) and cdf(a, k + 2)/cdf(a, k); Morgan and Rubin's table to three digits.
    [InlineData(1, 0.1, 0.01579077409343122, 0.005252517548743239)]
    [InlineData(1, 0.001, 1.5707971492624921e-06, 5.235989400917863e-07)]
    [InlineData(2, 0.01, 0.020100671707002873, 0.005016750503357321)]
    [InlineData(5, 0.1, 1.6103079869623227, 0.21756686590544966)]
    [InlineData(5, 0.01, 0.5542980767282772, 0.07776216840934028)]
    [InlineData(5, 0.001, 0.2102126026292192, 0.029828329620919254)]
    [InlineData(10, 0.1, 4.865182051925328, 0.3766910025796041)]
    [InlineData(20, 0.001, 5.92104074548752, 0.2617901328412634)]
    public void Threshold_and_variance_ratio_are_chi_squares(int covariates, double acceptance, double threshold, double ratio)
    {
        Rerandomisation of = Rerandomisation.Of(covariates, acceptance);
        (of.Threshold / threshold).ShouldBe(1, 1e-9);
        (of.VarianceRatio / ratio).ShouldBe(1, 1e-9);
    }

    [Fact]
    public void Accepting_everything_changes_nothing_and_nothing_cannot_be_accepted()
    {
        Rerandomisation.Of(3, 1).ShouldBe(new Rerandomisation(double.PositiveInfinity, 1));
        Should.Throw<InputException>(() => Rerandomisation.Of(3, 0));
        Should.Throw<InputException>(() => Rerandomisation.Of(3, 1.1));
        Should.Throw<InputException>(() => Rerandomisation.Of(3, double.NaN));
        Should.Throw<InputException>(() => Rerandomisation.Of(0, 0.5));
    }

    [Fact]
    public void False_positive_risk_weighs_what_is_found_by_chance_against_what_is_there()
    {
        FalsePositiveRisk.Of(nullShare: 0.9, power: 0.8, p: 0.05)!.Value.ShouldBe(0.045 / (0.045 + 0.08), 1e-15);
        FalsePositiveRisk.Of(0, 0.8, 0.05).ShouldBe(0);
        FalsePositiveRisk.Of(1, 0.8, 0.05).ShouldBe(1);
        FalsePositiveRisk.Of(1, 0.8, 0).ShouldBeNull();
        Should.Throw<InputException>(() => FalsePositiveRisk.Of(1.2, 0.8, 0.05));
        Should.Throw<InputException>(() => FalsePositiveRisk.Of(0.5, double.NaN, 0.05));
    }
}
