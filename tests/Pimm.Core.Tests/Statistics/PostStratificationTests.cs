using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class PostStratificationTests
{
    private static readonly Stratum[] Strata =
    [
        new(new SampleMean(60, 5, 4), new SampleMean(50, 5.5, 4.4)),
        new(new SampleMean(30, 8, 3), new SampleMean(45, 8.4, 5)),
    ];

    [Fact]
    public void Effect_and_variance_follow_the_formula()
    {
        double first = 110 / 185.0, second = 75 / 185.0, effect = first * 0.5 + second * 0.4, baseline = first * 5 + second * 8;
        double within = first * first * (4.0 / 60 + 4.4 / 50) + second * second * (3.0 / 30 + 5.0 / 45);
        TestedEstimate absolute = PostStratification.Effect(Strata, relative: false);
        absolute.Estimate.Value!.Value.ShouldBe(effect, 1e-12);
        absolute.Estimate.StandardError!.Value.ShouldBe(Math.Sqrt(within + first * second * 0.01 / 185), 1e-12);
        TestedEstimate relative = PostStratification.Effect(Strata, relative: true);
        relative.Estimate.Value!.Value.ShouldBe(effect / baseline, 1e-12);
        // By matrices: ∇ = (−e/b², 1/b), covariance of (Σν·Ȳ_C, Σν·d).
        double cc = first * first * 4 / 60 + second * second * 3 / 30, between = first * second / 185;
        double vb = cc + between * 9, vd = within + between * 0.01, covariance = -cc + between * -0.3;
        double slope = -effect / (baseline * baseline);
        relative.Estimate.StandardError!.Value.ShouldBe(Math.Sqrt(slope * slope * vb + vd / (baseline * baseline) + 2 * slope * covariance / baseline), 1e-12);
    }

    [Fact]
    public void One_stratum_is_the_plain_comparison()
    {
        TestedEstimate one = PostStratification.Effect([Strata[0]], relative: true);
        one.Estimate.StandardError!.Value.ShouldBe(MeanComparison.DeltaLift(Strata[0].Control, Strata[0].Treatment).Estimate.StandardError!.Value, 1e-12);
    }

    [Fact]
    public void Strata_that_cannot_be_compared_are_refused()
    {
        Should.Throw<InputException>(() => PostStratification.Effect([], relative: false));
        Should.Throw<InputException>(() => PostStratification.Effect([new(new SampleMean(0, 0, 0), Strata[0].Treatment)], relative: false)).Message.ShouldContain("merge it");
        Stratum opposite = new(new SampleMean(110, -5, 4), new SampleMean(110, 1, 4)), half = new(new SampleMean(110, 5, 4), new SampleMean(110, 1, 4));
        PostStratification.Effect([opposite, half], relative: true).Estimate.Note!.ShouldContain("zero");
    }
}
