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
    /// <param name="labels">[N · T], row by row</param>
    /// <param name="probabilities">[N · T], row by row</param>
    /// <returns>T entries in the tasks' order.</returns>
    public static IReadOnlyList<TaskMetrics> Of(IReadOnlyList<string> tasks, byte[] labels, float[] probabilities) =>
        [.. tasks.Select((name, task) => Of(name, Column(labels, task, tasks.Count), Column(probabilities, task, tasks.Count)))];

    private static TaskMetrics Of(string name, byte[] labels, float[] probabilities)
    {
        var calibration = Statistics.Calibration.Of(labels, probabilities);
        return new(
            name,
            labels.LongCount(label => label == 1),
            RankingMetrics.Auc(labels, probabilities),
            RankingMetrics.LogLoss(labels, probabilities) ?? double.NaN,
            calibration.Ratio,
            calibration.ExpectedError ?? double.NaN);
    }

    private static TValue[] Column<TValue>(TValue[] values, int task, int tasks)
    {
        var column = new TValue[values.Length / tasks];
        for (var row = 0; row < column.Length; row++)
        {
            column[row] = values[row * tasks + task];
        }

        return column;
    }
}
