using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class WeightedAucTests
{
    [Fact]
    public void Weights_count_as_repeated_rows_and_ties_half()
    {
        byte[] labels = [1, 0, 1, 0, 0, 1];
        double[] scores = [0.9, 0.9, 0.4, 0.3, 0.4, 0.1], weights = [2, 1, 3, 1, 2, 1];
        // By hand: 6 positives' and 4 negatives' weight make 24 pairs. 0.9 (2): half of 1, all of 3: 7; 0.4 (3): 1 and half of 2: 6; 0.1: 0.
        WeightedAuc.Of(labels, scores, weights)!.Value.ShouldBe(13.0 / 24, 1e-15);
        WeightedAuc.Of(labels, scores)!.Value.ShouldBe(RankingMetrics.Auc(labels, [0.9f, 0.9f, 0.4f, 0.3f, 0.4f, 0.1f])!.Value, 1e-15);
        WeightedAuc.Of([1, 1], [0.1, 0.2]).ShouldBeNull();
        WeightedAuc.Of([], []).ShouldBeNull();
    }

    [Fact]
    public void Rows_that_cannot_be_ranked_are_refused()
    {
        Should.Throw<InputException>(() => WeightedAuc.Of([1, 0], [0.1]));
        Should.Throw<InputException>(() => WeightedAuc.Of([1, 2], [0.1, 0.2]));
        Should.Throw<InputException>(() => WeightedAuc.Of([1, 0], [0.1, double.NaN]));
        Should.Throw<InputException>(() => WeightedAuc.Of([1, 0], [0.1, 0.2], [1]));
        Should.Throw<InputException>(() => WeightedAuc.Of([1, 0], [0.1, 0.2], [1, 0])).Message.ShouldContain("position 1");
    }
}
