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

    // Scores 9 8 7 7 7 | 5 4 3 2 1: positives at 9, one of the three 7s, and 3.
    private static readonly byte[] TenLabels = [1, 0, 0, 1, 0, 0, 0, 1, 0, 0];
    private static readonly float[] TenScores = [9, 8, 7, 7, 7, 5, 4, 3, 2, 1];

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.5, 0.5 / 3)]
    [InlineData(1, 1.0 / 3)]
    [InlineData(2, 1.0 / 3)]
    [InlineData(3, (1 + 1.0 / 3) / 3)]
    [InlineData(4, (1 + 2.0 / 3) / 3)]
    [InlineData(5, 2.0 / 3)]
    [InlineData(7, 2.0 / 3)]
    [InlineData(8, 1)]
    [InlineData(99, 1)]
    public void Capture_shares_ties_at_the_border(double n, double captured) =>
        RankingMetrics.CaptureAt(TenLabels, TenScores, n)!.Value.ShouldBe(captured, 1e-15);

    [Fact]
    public void Lift_at_decile_is_the_top_tenths_rate_over_the_overall_rate()
    {
        RankingMetrics.LiftAtDecile(TenLabels, TenScores)!.Value.ShouldBe(1 / 0.3, 1e-12);
        RankingMetrics.LiftAtDecile(TenLabels, new float[10])!.Value.ShouldBe(1, 1e-12);
        RankingMetrics.LiftAtDecile([1, 0], [2, 1])!.Value.ShouldBe(2, 1e-12);
    }

    [Fact]
    public void The_gain_curve_runs_from_none_to_all_and_its_area_is_that_of_the_AUC()
    {
        RankingMetrics.GainCurve(TenLabels, TenScores, 2).ShouldBe([new(0, 0), new(0.5, 2.0 / 3), new(1, 1)]);

        var curve = RankingMetrics.GainCurve(TenLabels, TenScores, 10)!;
        double area = curve.Zip(curve.Skip(1), (a, b) => (b.Share - a.Share) * (a.Captured + b.Captured) / 2).Sum();
        // Area under the gain curve = share of positives / 2 + share of negatives · AUC.
        area.ShouldBe(0.15 + 0.7 * RankingMetrics.Auc(TenLabels, TenScores)!.Value, 1e-12);
    }

    [Fact]
    public void Without_positives_nothing_can_be_captured()
    {
        RankingMetrics.CaptureAt([0, 0], [1, 2], 1).ShouldBeNull();
        RankingMetrics.LiftAtDecile([0, 0], [1, 2]).ShouldBeNull();
        RankingMetrics.GainCurve([], [], 10).ShouldBeNull();
        Should.Throw<InputException>(() => RankingMetrics.CaptureAt([1], [1], -1)).Message.ShouldContain("0 or more");
        Should.Throw<InputException>(() => RankingMetrics.CaptureAt([1], [1], double.NaN)).Message.ShouldContain("0 or more");
    }

    [Fact]
    public void Conditional_auc_looks_only_at_rows_that_reached_the_stage_before()
    {
        byte[] clicks = [1, 1, 1, 0, 0, 1], orders = [1, 0, 1, 0, 0, 0];
        float[] scores = [5, 6, 7, 9, 9, 1];

        RankingMetrics.ConditionalAuc(orders, clicks, scores).ShouldBe(3 / 4.0);
        RankingMetrics.ConditionalAuc(orders, orders, scores).ShouldBeNull();
        Should.Throw<InputException>(() => RankingMetrics.ConditionalAuc(orders, clicks[..5], scores)).Message.ShouldContain("5 labels");
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
