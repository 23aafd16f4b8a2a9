using Pimm.Core.Statistics;

namespace Pimm.Core.Training;

/// <summary>How one task's probabilities did on rows the network was not trained on.</summary>
/// <param name="Name">The task's label column.</param>
/// <param name="Positives">Rows with label 1.</param>
/// <param name="Auc">Exact, mid-ranks for ties, over all rows (an entire-space AUC for later stages); null with one class only.</param>
/// <param name="LogLoss">Mean over rows, nats.</param>
/// <param name="Calibration">Mean predicted / mean observed; null without positives. 1 is right.</param>
/// <param name="Ece">Expected calibration error over 10 bins of equal count, 0 to 1.</param>
public sealed record TaskMetrics(string Name, long Positives, double? Auc, double LogLoss, double? Calibration, double Ece)
{
    /// <summary>AUC over the rows that reached the task before, not to be compared with <see cref="Auc"/>; null for the first task.</summary>
    public double? ConditionalAuc { get; init; }

    /// <summary>Share of the positives in the tenth of the rows with the highest probabilities, 0 to 1; null without positives.</summary>
    public double? CaptureAtDecile { get; init; }

    /// <summary>Rate in that tenth / rate over all rows, 0 to 10; null without positives.</summary>
    public double? LiftAtDecile { get; init; }

    /// <summary>Log loss after the calibrator; null where none was fitted.</summary>
    public double? CalibratedLogLoss { get; init; }

    /// <summary>ECE after the calibrator; null where none was fitted.</summary>
    public double? CalibratedEce { get; init; }

    /// <summary>Mean predicted / mean observed after the calibrator; null where none was fitted or without positives.</summary>
    public double? CalibratedCalibration { get; init; }

    /// <param name="labels">[N · T], row by row</param>
    /// <param name="probabilities">[N · T], row by row</param>
    /// <returns>T entries in the tasks' order.</returns>
    public static IReadOnlyList<TaskMetrics> Of(IReadOnlyList<string> tasks, byte[] labels, float[] probabilities) =>
        Of(new Predictions(tasks, probabilities, labels));

    /// <param name="calibrators">One a task, fitted on other rows; null: none.</param>
    public static IReadOnlyList<TaskMetrics> Of(Predictions predictions, IReadOnlyList<TaskCalibrator>? calibrators = null) =>
        [.. predictions.Tasks.Select((name, task) =>
        {
            var (labels, probabilities) = (predictions.LabelsOf(task), predictions.ProbabilitiesOf(task));
            var metrics = Of(name, labels, probabilities) with
            {
                ConditionalAuc = task == 0 ? null : RankingMetrics.ConditionalAuc(labels, predictions.LabelsOf(task - 1), probabilities),
            };
            return calibrators?[task].Calibrator is { } calibrator ? Calibrated(metrics, labels, calibrator.Apply(probabilities)) : metrics;
        })];

    private static TaskMetrics Of(string name, byte[] labels, float[] probabilities)
    {
        var calibration = Statistics.Calibration.Of(labels, probabilities);
        return new(
            name,
            labels.LongCount(label => label == 1),
            RankingMetrics.Auc(labels, probabilities),
            RankingMetrics.LogLoss(labels, probabilities) ?? double.NaN,
            calibration.Ratio,
            calibration.ExpectedError ?? double.NaN)
        {
            CaptureAtDecile = RankingMetrics.CaptureAt(labels, probabilities, labels.Length / 10.0),
            LiftAtDecile = RankingMetrics.LiftAtDecile(labels, probabilities),
        };
    }

    private static TaskMetrics Calibrated(TaskMetrics metrics, byte[] labels, float[] probabilities)
    {
        var calibration = Statistics.Calibration.Of(labels, probabilities);
        return metrics with
        {
            CalibratedLogLoss = RankingMetrics.LogLoss(labels, probabilities),
            CalibratedEce = calibration.ExpectedError,
            CalibratedCalibration = calibration.Ratio,
        };
    }
}
