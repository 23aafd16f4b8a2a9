using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics;

public sealed class PlattCalibratorTests
{
    // scikit-learn 1.2's _sigmoid_calibration and SciPy's BFGS on the same 200 rows (113 positives).
    [Fact]
    public void Slope_and_intercept_agree_with_scikit_learn()
    {
        double[] logits = [.. Enumerable.Range(0, 200).Select(i => -3 + 6.0 * i / 199)];
        byte[] labels = [.. logits.Select((x, i) => (byte)(i * 37 % 199 < 199 / (1 + Math.Exp(-(0.5 * x + 0.3))) ? 1 : 0))];
        labels.Count(label => label == 1).ShouldBe(113);

        var fitted = PlattCalibrator.OfLogits(labels, logits)!;

        fitted.Slope.ShouldBe(0.47837708, 1e-8);
        fitted.Intercept.ShouldBe(0.30492111, 1e-8);
    }

    [Fact]
    public void A_known_shrinkage_is_undone_order_kept_and_the_calibration_error_falls()
    {
        var (labels, shrunk, truth) = Shrunk(40_000);

        var calibrator = PlattCalibrator.Of(labels, shrunk)!;
        float[] calibrated = calibrator.Apply(shrunk);

        // shrunk = σ(0.6·logit − 1), so logit = (shrunk's + 1)/0.6.
        calibrator.Slope.ShouldBe(1 / 0.6, 0.07);
        calibrator.Intercept.ShouldBe(1 / 0.6, 0.2);
        RankingMetrics.Auc(labels, calibrated)!.Value.ShouldBe(RankingMetrics.Auc(labels, shrunk)!.Value, 1e-6);
        Calibration.Of(labels, calibrated).ExpectedError!.Value.ShouldBeLessThan(0.2 * Calibration.Of(labels, shrunk).ExpectedError!.Value);
        calibrated.Zip(truth, (c, t) => (double)Math.Abs(c - t)).Average().ShouldBeLessThan(0.005);
    }

    [Fact]
    public void Logits_far_from_zero_and_saturated_probabilities_are_fitted()
    {
        var (labels, shrunk, _) = Shrunk(20_000);
        double[] far = [.. shrunk.Select(p => 1e-3 * PlattCalibrator.Logit(p) - 500)];

        var near = PlattCalibrator.Of(labels, shrunk)!;
        var moved = PlattCalibrator.OfLogits(labels, far)!;

        moved.Slope.ShouldBe(1000 * near.Slope, 1e-3);
        (moved.Slope * -500 + moved.Intercept).ShouldBe(near.Intercept, 1e-4);
        float[] certain = [.. labels.Select(label => (float)label)];
        PlattCalibrator.Of(labels, certain)!.Apply(certain).ShouldAllBe(p => p > 0 && p < 1);
    }

    [Fact]
    public void Fewer_than_fifty_of_a_class_are_not_fitted()
    {
        float[] scores = [.. Enumerable.Range(0, 500).Select(i => 0.1f + i * 0.001f)];
        byte[] Labels(int positives) => [.. Enumerable.Range(0, 500).Select(i => (byte)(i >= 500 - positives ? 1 : 0))];

        PlattCalibrator.Of(Labels(49), scores).ShouldBeNull();
        PlattCalibrator.Of(Labels(50), scores).ShouldNotBeNull();
        PlattCalibrator.Of(Labels(450), scores).ShouldNotBeNull();
        PlattCalibrator.Of(Labels(451), scores).ShouldBeNull();
    }

    [Fact]
    public void Probabilities_that_do_not_order_the_labels_are_not_fitted()
    {
        var (labels, shrunk, _) = Shrunk(2_000);
        float[] reversed = [.. shrunk.Select(p => 1 - p)], constant = [.. shrunk.Select(_ => 0.3f)];

        PlattCalibrator.Of(labels, reversed).ShouldBeNull();
        PlattCalibrator.Of(labels, constant).ShouldBeNull();
        Should.Throw<InputException>(() => PlattCalibrator.Of([0, 1], [0.1f])).Message.ShouldContain("2 labels");
    }

    private static (byte[] Labels, float[] Shrunk, float[] Truth) Shrunk(int rows)
    {
        var stream = new RandomStream(21, "platt");
        var labels = new byte[rows];
        float[] shrunk = new float[rows], truth = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            double logit = -2 + 1.3 * stream.NextNormal();
            truth[row] = (float)(1 / (1 + Math.Exp(-logit)));
            shrunk[row] = (float)(1 / (1 + Math.Exp(-(0.6 * logit - 1))));
            labels[row] = (byte)(stream.NextDouble() < truth[row] ? 1 : 0);
        }
        return (labels, shrunk, truth);
    }
}
