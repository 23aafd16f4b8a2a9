using Pimm.Core.Datasets;
using Pimm.Core.Statistics;

namespace Pimm.Core.Comparing;

/// <summary>What is known of a split's test rows: their labels, and in a simulation the true probabilities.</summary>
/// <param name="Labels">T arrays of N</param>
/// <param name="Probabilities">T arrays of N; null where the data does not say them</param>
/// <param name="Customers">N numbers; null where every row is a customer</param>
internal sealed record TestTruth(IReadOnlyList<byte[]> Labels, IReadOnlyList<double[]>? Probabilities, int[]? Customers)
{
    public static IReadOnlyList<TestTruth> OfAll(IEnumerable<string> snapshots) => [.. snapshots.Select(Of)];

    public static TestTruth Of(string snapshot)
    {
        using var data = Snapshot.Open(snapshot);
        var rows = data.RowsOf(Split.Test);
        var tasks = Enumerable.Range(0, data.TaskNames.Count);
        return new TestTruth(
            [.. tasks.Select(task => rows.Select(row => data.Labels(row, 1)[task]).ToArray())],
            data.HasTruth ? [.. tasks.Select(task => rows.Select(row => data.Truth(row, 1)[task]).ToArray())] : null,
            data.HasCustomers ? [.. rows.Select(row => data.Customers(row, 1)[0])] : null);
    }

    /// <summary>One task of predictions [N, T].</summary>
    public static float[] Column(float[] predictions, int task, int tasks) =>
        [.. Enumerable.Range(0, predictions.Length / tasks).Select(row => predictions[(row * tasks) + task])];

    public double? ExpectedAuc(int task, float[] predictions) => Probabilities is { } known
        ? RankingMetrics.ExpectedAuc(known[task], Column(predictions, task, Labels.Count))
        : null;

    public IReadOnlyList<Ceiling> Ceilings(IReadOnlyList<string> tasks) => Probabilities is { } known
        ? [.. tasks.Select((name, task) => new Ceiling(name, RankingMetrics.Auc(Labels[task], Scores(known[task])), RankingMetrics.ExpectedAuc(known[task], Scores(known[task]))))]
        : [];

    private static float[] Scores(double[] probabilities) => [.. probabilities.Select(p => (float)p)];
}
