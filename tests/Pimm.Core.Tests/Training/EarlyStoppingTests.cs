using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

public class EarlyStoppingTests
{
    [Theory]
    [InlineData(2, 0, new[] { 1.0, 0.9, 0.95, 0.92 }, 4, 1)]
    [InlineData(2, 0, new[] { 1.0, 1.0, 1.0, 1.0 }, 3, 0)]
    [InlineData(1, 4, new[] { 1.0, 2.0, 2.0, 2.0, 2.0, 2.0 }, 6, 4)]
    [InlineData(1, 4, new[] { 1.0, 2.0 }, 2, 0)]
    [InlineData(2, 2, new[] { 1.0, 0.9, 0.8, 0.9, 0.9, 0.9 }, 5, 2)]
    [InlineData(2, 0, new[] { double.NaN, 1.0, 2.0, 2.0 }, 4, 1)]
    public void Stops_after_patience_epochs_without_a_better_one_and_counts_none_before_the_earliest(
        int patience, int earliest, double[] measures, int epochs, int best)
    {
        var stopping = new EarlyStopping(patience, earliest, larger: false);

        var trained = 0;
        while (trained < measures.Length && !stopping.ShouldStop)
        {
            stopping.Add(measures[trained++]);
        }

        trained.ShouldBe(epochs);
        stopping.BestEpoch.ShouldBe(best);
    }

    [Fact]
    public void Knows_measures_of_which_more_is_better()
    {
        var stopping = new EarlyStopping(1, 0, larger: true);

        stopping.Add(0.6).ShouldBeTrue();
        stopping.Add(0.7).ShouldBeTrue();
        stopping.Add(0.7).ShouldBeFalse();
        stopping.ShouldStop.ShouldBeTrue();
        stopping.BestEpoch.ShouldBe(1);
    }
}
