using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class AucBootstrapTests
{
    [Fact]
    public void A_replicate_is_the_AUC_of_the_rows_drawn_written_out()
    {
        var (labels, scores) = Rows(400, tied: true);

        var bootstrap = AucBootstrap.Of(labels, scores, replicates: 20, seed: 3)!;

        for (int replicate = 0; replicate < 20; replicate++)
        {
            var stream = new RandomStream(RandomStream.Seed(RandomStream.Seed(3, "auc bootstrap", 0), replicate));
            int[] drawn = [.. Enumerable.Range(0, 400).Select(_ => stream.NextInt(400))];
            byte[] drawnLabels = [.. drawn.Select(row => labels[row])];
            for (int model = 0; model < scores.Length; model++)
                bootstrap.Replicates[model][replicate].ShouldBe(RankingMetrics.Auc(drawnLabels, drawn.Select(row => scores[model][row]).ToArray())!.Value, 1e-15);
        }
    }

    // DeLong, DeLong and Clarke-Pearson (1988): the variance from the placements, another way to the same number.
    [Fact]
    public void Its_error_and_its_p_agree_with_DeLong()
    {
        var (labels, scores) = Rows(3000, tied: false);
        var (difference, error) = DeLong(labels, scores[0], scores[1]);

        var bootstrap = AucBootstrap.Of(labels, scores, replicates: 4000)!;
        var compared = bootstrap.Difference(0, 1)!;

        compared.Difference.ShouldBe(difference, 1e-12);
        ((compared.Upper - compared.Lower) / (2 * 1.959964)).ShouldBe(error, 0.06 * error);
        compared.PValue.ShouldBe(Estimate.PValue(difference / error), 0.03);
        compared.Replicates.ShouldBe(4000);
    }

    [Fact]
    public void Rows_of_one_customer_are_drawn_together()
    {
        var (labels, scores) = Rows(500, tied: false);
        byte[] threefold = [.. labels, .. labels, .. labels];
        float[][] scoresThreefold = [.. scores.Select(s => (float[])[.. s, .. s, .. s])];
        int[] customers = [.. Enumerable.Range(0, 1500).Select(row => 7 * (row % 500) - 900)];

        var rows = AucBootstrap.Of(labels, scores, replicates: 50)!;
        var clustered = AucBootstrap.Of(threefold, scoresThreefold, customers, replicates: 50)!;
        var naive = AucBootstrap.Of(threefold, scoresThreefold, replicates: 50)!;

        clustered.Replicates[0].ShouldBe(rows.Replicates[0], 1e-15);
        Spread(naive.Replicates[0]).ShouldBeLessThan(0.8 * Spread(clustered.Replicates[0]));
    }

    [Fact]
    public void Replicates_do_not_depend_on_threads_and_are_shared_by_tasks()
    {
        var (labels, scores) = Rows(300, tied: true);
        byte[] flipped = [.. labels.Select(label => (byte)(1 - label))];

        var one = AucBootstrap.Of(labels, scores, replicates: 64, seed: 9, threads: 1)!;
        var four = AucBootstrap.Of(labels, scores, replicates: 64, seed: 9, threads: 4)!;
        var other = AucBootstrap.Of(flipped, scores, replicates: 64, seed: 9)!;

        four.Replicates[1].ShouldBe(one.Replicates[1]);
        other.Replicates[0].ShouldBe(one.Replicates[0].Select(auc => 1 - auc), 1e-12);
        AucBootstrap.Of(labels, scores, replicates: 64, seed: 10)!.Replicates[1].ShouldNotBe(one.Replicates[1]);
    }

    [Fact]
    public void The_same_model_twice_differs_by_nothing_and_a_perfect_one_by_the_smallest_p()
    {
        var (labels, scores) = Rows(300, tied: false);
        var bootstrap = AucBootstrap.Of(labels, [scores[0], scores[0], [.. labels.Select(label => (float)label)]], replicates: 199)!;

        bootstrap.Difference(0, 1).ShouldBe(new AucDifference(0, 0, 0, 1, 199));
        bootstrap.Difference(2, 0)!.PValue.ShouldBe(2.0 / 200);
    }

    [Fact]
    public void Draws_with_one_class_only_are_left_out_and_labels_of_one_class_have_no_bootstrap()
    {
        var few = AucBootstrap.Of([1, 0, 0], [[3, 2, 1], [1, 2, 3]], replicates: 300)!;

        int undefined = few.Replicates[0].Count(double.IsNaN);
        undefined.ShouldBeInRange(60, 130);   // all three rows negative: (2/3)³ = 8/27, all positive: 1/27, of 300
        few.Difference(0, 1)!.Replicates.ShouldBe(300 - undefined);
        AucBootstrap.Of([1, 1], [[1, 2]]).ShouldBeNull();
    }

    [Fact]
    public void What_does_not_fit_together_is_refused()
    {
        Should.Throw<InputException>(() => AucBootstrap.Of([0, 1], [])).Message.ShouldContain("at least one");
        Should.Throw<InputException>(() => AucBootstrap.Of([0, 1], [[1, 2], [1]])).Message.ShouldContain("2 labels");
        Should.Throw<InputException>(() => AucBootstrap.Of([0, 1], [[1, 2]], [4])).Message.ShouldContain("1 clusters");
        Should.Throw<InputException>(() => AucBootstrap.Of([0, 1], [[1, 2]], replicates: 0)).Message.ShouldContain("at least 1");
    }

    private static (byte[] Labels, float[][] Scores) Rows(int rows, bool tied)
    {
        var stream = new RandomStream(11, "auc rows");
        var labels = new byte[rows];
        float[][] scores = [new float[rows], new float[rows]];
        for (int row = 0; row < rows; row++)
        {
            labels[row] = (byte)(stream.NextDouble() < 0.3 ? 1 : 0);
            double shared = stream.NextNormal();
            scores[0][row] = (float)(labels[row] * 0.55 + shared + 0.5 * stream.NextNormal());
            scores[1][row] = (float)(labels[row] * 0.5 + shared + 0.5 * stream.NextNormal());
            if (tied)
                scores[1][row] = MathF.Round(scores[1][row]);
        }
        return (labels, scores);
    }

    private static (double Difference, double Error) DeLong(byte[] labels, float[] first, float[] second)
    {
        int[] positives = [.. Enumerable.Range(0, labels.Length).Where(i => labels[i] == 1)], negatives = [.. Enumerable.Range(0, labels.Length).Where(i => labels[i] == 0)];
        double Wins(int i, int j) => Psi(first[i], first[j]) - Psi(second[i], second[j]);
        double[] v10 = [.. positives.Select(i => negatives.Average(j => Wins(i, j)))], v01 = [.. negatives.Select(j => positives.Average(i => Wins(i, j)))];
        return (v10.Average(), Math.Sqrt(Variance(v10) / v10.Length + Variance(v01) / v01.Length));
    }

    private static double Psi(float positive, float negative) => positive > negative ? 1 : positive == negative ? 0.5 : 0;

    private static double Variance(double[] values)
    {
        double mean = values.Average();
        return values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1);
    }

    private static double Spread(double[] values) => Math.Sqrt(Variance(values));
}
