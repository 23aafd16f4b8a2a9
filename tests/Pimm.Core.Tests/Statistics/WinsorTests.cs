using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class WinsorTests
{
    [Fact]
    public void Thresholds_are_interpolated_percentiles_of_all_arms()
    {
        // numpy.percentile([0..10], 25) = 2.5 and of 95 = 9.5
        Winsor winsor = Winsor.Pooled([[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9]], 0.25, 0.95);
        (winsor.Lower, winsor.Upper).ShouldBe((2.5, 9.5));
        winsor.Apply([0, 5, 10]).ShouldBe([2.5, 5, 9.5]);
    }

    [Fact]
    public void Zeros_may_stay_out_of_the_percentile_and_then_stay_zero()
    {
        Winsor winsor = Winsor.Pooled([[0, 0, 0, 0, 10, 20], [0, 0, 0, 30, 40, 50]], 0.25, 0.75, nonZero: true);
        (winsor.Lower, winsor.Upper).ShouldBe((20, 40));
        winsor.Apply([0, 10, 50]).ShouldBe([0, 20, 40]);
    }

    [Fact]
    public void Impossible_percentiles_and_values_are_refused()
    {
        Should.Throw<InputException>(() => Winsor.Pooled([[1, 2]], 0.5, 0.5)).Message.ShouldContain("0.5");
        Should.Throw<InputException>(() => Winsor.Pooled([[1, 2]], 0, 99));
        Should.Throw<InputException>(() => Winsor.Pooled([[0, 0]], nonZero: true)).Message.ShouldContain("zero");
        Should.Throw<InputException>(() => Winsor.Pooled([[1, double.NaN]]));
    }
}
