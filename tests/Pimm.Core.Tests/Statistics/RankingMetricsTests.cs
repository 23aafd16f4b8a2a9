using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class RankingMetricsTests
{
    [Fact]
    public void Auc_equals_the_count_of_ordered_pairs_with_ties_as_half()
    {
        var stream = new RandomStream(5);
        var labels = new byte[500];
        var scores = new float[500];
        for (int i = 0; i < 500; i++)
        {
            labels[i] = (byte)stream.NextInt(2);
            scores[i] = stream.NextInt(20) + labels[i];
        }
        double wins = 0, pairs = 0;
        for (int i = 0; i < 500; i++)
            for (int j = 0; j < 500; j++)
                if (labels[i] == 1 && labels[j] == 0)
                {
                    pairs++;
                    wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                }
        RankingMetrics.Auc(labels, scores)!.Value.ShouldBe(wins / pairs, 1e-15);
    }

    [Fact]
    public void Auc_is_absent_with_one_class()
    {
        RankingMetrics.Auc([1, 1], [0.1f, 0.2f]).ShouldBeNull();
        RankingMetrics.Auc([0], [0.1f]).ShouldBeNull();
        RankingMetrics.Auc([], []).ShouldBeNull();
    }

    [Fact]
    public void Expected_auc_equals_auc_when_probabilities_are_certain()
    {
        RankingMetrics.ExpectedAuc([1, 0, 1, 0, 0], [3, 2, 2, 1, 4]).ShouldBe(RankingMetrics.Auc([1, 0, 1, 0, 0], [3, 2, 2, 1, 4]));
    }

    [Fact]
    public void Log_loss_of_certain_wrong_answers_stays_finite()
    {
        RankingMetrics.LogLoss([1, 0], [0.5f, 0.5f])!.Value.ShouldBe(Math.Log(2), 1e-12);
        RankingMetrics.LogLoss([1], [0f])!.Value.ShouldBe(-Math.Log(RankingMetrics.SmallestProbability), 1e-9);
    }

    [Fact]
    public void Bad_labels_and_scores_are_refused_with_their_position()
    {
        Should.Throw<InputException>(() => RankingMetrics.Auc([0, 2], [1, 2])).Message.ShouldContain("position 1");
        Should.Throw<InputException>(() => RankingMetrics.Auc([0, 1], [1, float.NaN])).Message.ShouldContain("position 1");
        Should.Throw<InputException>(() => RankingMetrics.Auc([0, 1], [1])).Message.ShouldContain("2 labels");
    }

    [Fact]
    public void Calibration_counts_predicted_over_observed_and_the_error_of_each_bin()
    {
        Calibration calibration = Calibration.Of([0, 0, 1, 1], [0.1f, 0.3f, 0.5f, 0.7f], bins: 2);
        calibration.Ratio!.Value.ShouldBe(0.8, 1e-6);
        calibration.Bins.Count.ShouldBe(2);
        calibration.ExpectedError!.Value.ShouldBe((0.4 + 0.8) / 4, 1e-6);
        Calibration.Of([0], [0.2f]).Ratio.ShouldBeNull();
        Calibration.Of([], []).ExpectedError.ShouldBeNull();
    }
}
