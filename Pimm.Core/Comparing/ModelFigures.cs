using Pimm.Core.Statistics;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>What a model's first training (first split, seed 1) looks like.</summary>
/// <param name="ValidationLosses">one an epoch, summed over tasks</param>
/// <param name="Calibration">one curve a task, on test rows</param>
/// <param name="Gains">per task, share of rows from the highest score → share of the positives among them</param>
public sealed record ModelFigures(
    string Model, IReadOnlyList<double> ValidationLosses, IReadOnlyList<IReadOnlyList<CalibrationBin>> Calibration, IReadOnlyList<IReadOnlyList<GainPoint>> Gains)
{
    private const int GainPoints = 20;

    internal static ModelFigures Of(string name, CellResult training, TestTruth truth)
    {
        var (model, predictions) = (training.Model, training.Predictions());
        var tasks = Enumerable.Range(0, model.Tasks.Count).ToArray();
        return new ModelFigures(
            name, [.. model.Epochs.Select(epoch => epoch.ValidationLogLoss)],
            [.. tasks.Select(task => Statistics.Calibration.Of(truth.Labels[task], TestTruth.Column(predictions, task, tasks.Length)).Bins)],
            [.. tasks.Select(task => RankingMetrics.GainCurve(truth.Labels[task], TestTruth.Column(predictions, task, tasks.Length), GainPoints) ?? [])]);
    }
}
