using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class ExactTestTests
{
    // scipy.stats fisher_exact, barnard_exact(n=256) and boschloo_exact(n=256) of [[x_T, x_C], [n_T − x_T, n_C − x_C]].
    [Theory]
    [InlineData(15, 3, 15, 12, Alternative.TwoSided, 0.002814330708742636, 0.0014548785984516244, 0.0014548785984516254)]
    [InlineData(15, 3, 15, 12, Alternative.Greater, 0.001407165354371318, 0.0007274392992258127, 0.0007274392992258127)]
    [InlineData(15, 3, 15, 12, Alternative.Less, 0.9999274678965987, 1.0, 0.9994348501786621)]
    [InlineData(20, 0, 30, 5, Alternative.TwoSided, 0.07457663916630483, 0.06176727611427674, 0.0780014521606168)]
    [InlineData(20, 0, 30, 5, Alternative.Greater, 0.06725915157922559, 0.03569076885073128, 0.0390007260803084)]
    [InlineData(10, 10, 12, 7, Alternative.TwoSided, 0.039644565960355434, 0.02342421146018375, 0.026135988396202015)]
    [InlineData(10, 10, 12, 7, Alternative.Less, 0.03007518796992481, 0.013067994198101007, 0.013067994198101007)]
    public void Exact_tests_give_the_reference_p(long nc, long xc, long nt, long xt, Alternative alternative, double fisher, double barnard, double boschloo)
    {
        Proportion control = new(nc, xc), treatment = new(nt, xt);
        TwoByTwo.Fisher(control, treatment, alternative).ShouldBe(fisher, 1e-9);
        UnconditionalExact.Barnard(control, treatment, alternative).ShouldBe(barnard, 1e-8);
        UnconditionalExact.Boschloo(control, treatment, alternative).ShouldBe(boschloo, 1e-8);
    }

    [Fact]
    public void Approximate_tests_give_the_reference_p()
    {
        // scipy.stats.chi2_contingency([[12, 3], [3, 12]]): without and with Yates' correction, and with lambda_="log-likelihood".
        Proportion control = new(15, 3), treatment = new(15, 12);
        Estimate.PValue(TwoByTwo.Pearson(control, treatment)!.Value).ShouldBe(0.0010150009471130682, 1e-10);
        Estimate.PValue(TwoByTwo.Pearson(control, treatment, yates: true)!.Value).ShouldBe(0.0034870048921413857, 1e-10);
        Estimate.PValue(TwoByTwo.LikelihoodRatio(control, treatment)!.Value).ShouldBe(0.0006721626123953894, 1e-10);
    }

    [Fact]
    public void Without_conversions_or_without_misses_every_test_gives_1()
    {
        foreach (long conversions in new long[] { 0, 20 })
        {
            Proportion both = new(20, conversions);
            TwoByTwo.Fisher(both, both).ShouldBe(1);
            UnconditionalExact.Barnard(both, both).ShouldBe(1);
            UnconditionalExact.Boschloo(both, both).ShouldBe(1, 1e-12);
            TwoByTwo.Pearson(both, both).ShouldBe(0);
            TwoByTwo.LikelihoodRatio(both, both).ShouldBe(0);
        }
    }

    [Fact]
    public void Large_groups_agree_with_the_limit_and_too_large_ones_are_refused()
    {
        Proportion control = new(20_000, 1000), treatment = new(20_000, 1100);
        double limit = Estimate.PValue(TwoByTwo.Pearson(control, treatment)!.Value);
        UnconditionalExact.Barnard(control, treatment).ShouldBe(limit, 0.002);
        TwoByTwo.Fisher(control, treatment).ShouldBe(limit, 0.002);
        TwoByTwo.Fisher(new Proportion(50_000_000, 1_000_000), new Proportion(50_000_000, 1_002_000)).ShouldBe(
            Estimate.PValue(TwoByTwo.Pearson(new Proportion(50_000_000, 1_000_000), new Proportion(50_000_000, 1_002_000))!.Value), 1e-3);
        Should.Throw<InputException>(() => UnconditionalExact.Barnard(new Proportion(200_000, 1), control)).Message.ShouldContain("100000");
    }

    [Fact]
    public void Swapping_the_groups_swaps_the_sides()
    {
        Proportion control = new(25, 4), treatment = new(31, 13);
        TwoByTwo.Fisher(control, treatment, Alternative.Greater).ShouldBe(TwoByTwo.Fisher(treatment, control, Alternative.Less), 1e-12);
        UnconditionalExact.Barnard(control, treatment, Alternative.Greater).ShouldBe(UnconditionalExact.Barnard(treatment, control, Alternative.Less), 1e-9);
        UnconditionalExact.Boschloo(control, treatment, Alternative.Greater).ShouldBe(UnconditionalExact.Boschloo(treatment, control, Alternative.Less), 1e-9);
    }
}
