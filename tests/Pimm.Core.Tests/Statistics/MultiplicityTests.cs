using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class MultiplicityTests
{
    private static readonly double[] P = [0.01, 0.04, 0.03, 0.005, 0.5, 1e-10, 0.04];

    [Fact]
    public void Every_method_gives_the_reference_values()
    {
        // statsmodels.stats.multitest.multipletests(p, method): bonferroni, holm, holm-sidak, simes-hochberg, fdr_bh, fdr_by
        Multiplicity.Bonferroni(P).ShouldBe([0.07, 0.28, 0.21, 0.035, 1, 7e-10, 0.28], 1e-12);
        Multiplicity.Holm(P).ShouldBe([0.05, 0.12, 0.12, 0.03, 0.5, 7e-10, 0.12], 1e-12);
        Multiplicity.HolmSidak(P).ShouldBe([0.049009950100000005, 0.115264, 0.11470719, 0.029627490643734374, 0.5, 6.9999999979e-10, 0.115264], 1e-12);
        Multiplicity.Hochberg(P).ShouldBe([0.05, 0.08, 0.08, 0.03, 0.5, 7e-10, 0.08], 1e-12);
        Multiplicity.BenjaminiHochberg(P).ShouldBe([0.07 / 3, 0.14 / 3, 0.14 / 3, 0.0175, 0.5, 7e-10, 0.14 / 3], 1e-12);
        Multiplicity.BenjaminiYekutieli(P).ShouldBe([0.0605, 0.121, 0.121, 0.045375, 1, 1.815e-9, 0.121], 1e-12);
    }

    [Fact]
    public void No_p_gives_none_and_an_impossible_one_is_refused()
    {
        Multiplicity.HolmSidak([]).ShouldBeEmpty();
        Multiplicity.BenjaminiYekutieli([]).ShouldBeEmpty();
        Multiplicity.HolmSidak([1]).ShouldBe([1]);
        Should.Throw<InputException>(() => Multiplicity.Hochberg([0.1, 1.5])).Message.ShouldContain("p-value 2 is 1.5");
        Should.Throw<InputException>(() => Multiplicity.Bonferroni([double.NaN]));
    }
}
