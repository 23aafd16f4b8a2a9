using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;

namespace Pimm.Core.Training;

/// <summary>One task's probabilities over a scored file.</summary>
public sealed record ScoreSummary(string Name, double Mean, double Least, double Most);

/// <summary>A delimited file's rows → probabilities, by a model's own feature map; columns may stand in any order and there may be more.</summary>
public static class FileScoring
{
    private const int RowsAtOnce = ModelEvaluation.RowsAtOnce;

    /// <param name="write">Called for every row in the file's order: its number from 1 and its T probabilities.</param>
    /// <param name="calibrators">One a task, applied to what the network says; null: none.</param>
    /// <returns>The rows scored and one summary a task.</returns>
    /// <exception cref="InputException">The file cannot be read or lacks a column of the model; nothing is left out silently.</exception>
    public static (long Rows, IReadOnlyList<ScoreSummary> Tasks) Run(
        Predictor predictor, DelimitedReader file, Action<long, float[]> write, CancellationToken cancellationToken,
        IReadOnlyList<TaskCalibrator>? calibrators = null)
    {
        var encoder = new RowEncoder(FeatureMap.FromJson(predictor.Model.FeatureMap), file.Names);
        var ids = new int[RowsAtOnce * predictor.Fields];
        var totals = new Totals(predictor.Tasks);
        var (rows, filled) = (0L, 0);
        while (file.Read())
        {
            encoder.Encode(file, ids.AsSpan(filled * predictor.Fields, predictor.Fields));
            if (++filled == RowsAtOnce)
            {
                rows = Flush(filled, rows);
                filled = 0;
            }
        }

        rows = Flush(filled, rows);
        return (rows, totals.Summaries(predictor.Model.Description.Tasks, rows));

        long Flush(int count, long before)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var probabilities = predictor.Predict(ids.AsSpan(0, count * predictor.Fields));
            if (calibrators is not null)
            {
                TaskCalibrator.Apply(calibrators, probabilities);
            }

            for (var row = 0; row < count; row++)
            {
                var ofRow = probabilities[(row * predictor.Tasks)..((row + 1) * predictor.Tasks)];
                totals.Add(ofRow);
                write(before + row + 1, ofRow);
            }

            return before + count;
        }
    }

    private sealed class Totals(int tasks)
    {
        private readonly double[] sums = new double[tasks];
        private readonly float[] least = [.. Enumerable.Repeat(float.PositiveInfinity, tasks)];
        private readonly float[] most = [.. Enumerable.Repeat(float.NegativeInfinity, tasks)];

        public void Add(float[] probabilities)
        {
            for (var task = 0; task < tasks; task++)
            {
                sums[task] += probabilities[task];
                least[task] = Math.Min(least[task], probabilities[task]);
                most[task] = Math.Max(most[task], probabilities[task]);
            }
        }

        public IReadOnlyList<ScoreSummary> Summaries(IReadOnlyList<string> names, long rows) =>
            [.. names.Select((name, task) => new ScoreSummary(name, sums[task] / rows, least[task], most[task]))];
    }
}
