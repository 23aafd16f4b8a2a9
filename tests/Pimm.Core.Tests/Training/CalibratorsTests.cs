using Pimm.Core.Datasets;
using Pimm.Core.Statistics;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public class CalibratorsTests
{
    // What pimm 0.1 wrote before there were calibrators, cut to one task and one epoch.
    private const string OlderModel =
        """
        { "format": 1, "model": "pimm", "settings": { "embedding": "4" }, "vocabularySizes": [3, 3], "tasks": ["click"], "seed": 5,
          "training": { "batch": 100, "learningRate": 0.01, "epochs": 8, "patience": 2, "stopOn": "logLoss", "seed": 5, "threads": 1, "device": "cpu" },
          "rows": { "train": 864, "validation": 96, "test": 240 }, "parameters": 100, "epochsTrained": 1, "bestEpoch": 1,
          "epochs": [{ "epoch": 1, "premiseProbability": null, "trainingLoss": 0.7, "validationLogLoss": 0.6,
            "validation": [{ "name": "click", "positives": 48, "auc": 0.7, "logLoss": 0.6, "calibration": 1.01, "ece": 0.02 }] }],
          "test": [{ "name": "click", "positives": 120, "auc": 0.75, "logLoss": 0.55, "calibration": 0.98, "ece": 0.03 }],
          "orderViolations": 0, "seconds": 1.5, "samplesPerSecond": 1000, "version": "0.1.0" }
        """;

    [Fact]
    public void Are_fitted_on_the_calibration_rows_predicted_as_at_inference()
    {
        using var toy = new ToyFunnel(4000);
        var model = toy.Train(ToyFunnel.Request());
        using var predictor = new Predictor(model, threads: 1);
        var rows = toy.Data.RowsOf(Split.Calibration);
        var predicted = predictor.Predict([.. rows.SelectMany(row => toy.Data.Ids(row, 1).ToArray())]);
        byte[] clicked = [.. rows.Select(row => toy.Data.Labels(row, 1)[0])];

        var calibrators = model.Description.Calibrators!;

        var expected = PlattCalibrator.Of(clicked, predicted.Where((_, at) => at % 2 == 0).ToArray())!;
        calibrators[0].ShouldBe(new TaskCalibrator("click", rows.Length, clicked.Count(label => label == 1), expected.Slope, expected.Intercept, null));
        calibrators[1].Calibrator.ShouldBeNull();
        calibrators[1].Note.ShouldBe($"not fitted: {calibrators[1].Positives} positives, 50 needed");
        model.Description.Rows.Calibration.ShouldBe(rows.Length);
    }

    [Fact]
    public void The_test_metrics_stand_before_and_after_them_and_are_absent_where_none_was_fitted()
    {
        using var toy = new ToyFunnel(4000);

        var test = toy.Train(ToyFunnel.Request()).Description.Test;

        test[0].CalibratedLogLoss.ShouldNotBeNull();
        test[0].CalibratedCalibration!.Value.ShouldBe(1, 0.15);
        test[0].CalibratedEce!.Value.ShouldBeInRange(0, 0.1);
        (test[1].CalibratedLogLoss, test[1].CalibratedEce, test[1].CalibratedCalibration).ShouldBe((null, null, null));
        test[0].ConditionalAuc.ShouldBeNull();
        test[1].ConditionalAuc!.Value.ShouldBeInRange(0.6, 0.95);
        test.ShouldAllBe(task => task.LiftAtDecile > 1 && Math.Abs(task.LiftAtDecile!.Value - 10 * task.CaptureAtDecile!.Value) < 1e-9);
    }

    [Fact]
    public void Shrunken_predictions_of_a_task_come_out_right_and_the_other_task_is_left_alone()
    {
        var stream = new RandomStream(8, "shrunken");
        var (labels, probabilities) = (new byte[16_000], new float[16_000]);
        for (var at = 0; at < labels.Length; at += 2)
        {
            var logit = stream.NextNormal();
            labels[at] = (byte)(stream.NextDouble() < 1 / (1 + Math.Exp(-logit)) ? 1 : 0);
            probabilities[at] = (float)(1 / (1 + Math.Exp(-(0.5 * logit - 1))));
            probabilities[at + 1] = 0.01f;
        }

        labels[1] = 1;
        var predictions = new Predictions(["click", "buy"], probabilities, labels);
        var calibrators = TaskCalibrator.Fit(predictions);
        var metrics = TaskMetrics.Of(predictions, calibrators);
        TaskCalibrator.Apply(calibrators, probabilities);

        metrics[0].Calibration!.Value.ShouldBeLessThan(0.7);
        metrics[0].CalibratedCalibration!.Value.ShouldBe(1, 0.01);
        metrics[0].CalibratedEce!.Value.ShouldBeLessThan(0.15 * metrics[0].Ece);
        metrics[0].CalibratedLogLoss!.Value.ShouldBeLessThan(metrics[0].LogLoss - 0.02);
        TaskMetrics.Of(predictions)[0].Calibration!.Value.ShouldBe(1, 0.01);
        probabilities.Where((_, at) => at % 2 == 1).ShouldAllBe(probability => probability == 0.01f);
        calibrators[1].Note.ShouldBe("not fitted: 1 positives, 50 needed");
    }

    [Fact]
    public void None_is_fitted_on_rows_that_were_trained_on()
    {
        using var toy = new ToyFunnel(1200);
        var request = ToyFunnel.Request();

        var model = toy.Train(request with { Options = request.Options with { Epochs = 3, Refit = true } }).Description;

        model.Calibrators!.ShouldAllBe(task => task.Calibrator == null && task.Note == "not fitted: every row but the test rows was trained on");
        model.Test.ShouldAllBe(task => task.CalibratedEce == null);
    }

    [Fact]
    public void An_older_models_description_is_read_and_has_none()
    {
        var older = ModelDescription.FromJson(OlderModel);

        older.Test[0].Auc.ShouldBe(0.75);
        older.Test[0].CalibratedEce.ShouldBeNull();
        older.Rows.Calibration.ShouldBe(0);
        (older.Calibrators, older.Curves, older.Slices, older.Data, older.Environment).ShouldBe((null, null, null, null, null));
        Should.Throw<InputException>(() => older.FittedCalibrators()).Message.ShouldContain("train it again, or score without --calibrated");
    }

    [Fact]
    public void Are_kept_in_the_description()
    {
        using var toy = new ToyFunnel(4000);
        var model = toy.Train(ToyFunnel.Request()).Description;

        var again = ModelDescription.FromJson(model.ToJson());

        again.FittedCalibrators().ShouldBe(model.Calibrators);
        again.FittedCalibrators()[0].Calibrator.ShouldNotBeNull();
    }
}
