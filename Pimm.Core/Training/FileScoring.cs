using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;

namespace Pimm.Core.Training;

/// <summary>One task's probabilities over a scored file, or the amounts.</summary>
public sealed record ScoreSummary(string Name, double Mean, double Least, double Most);

/// <summary>A delimited file's rows → probabilities, by a model's own feature map; columns may stand in any order and there may be more.</summary>
public static class FileScoring
{
    private const int RowsAtOnce = ModelEvaluation.RowsAtOnce;

    /// <param name="write">Called for every row in the file's order: its number from 1 and its T probabilities, and the amount behind them where one is predicted.</param>
    /// <param name="calibrators">One a task, applied to what the network says; null: none.</param>
    /// <returns>The rows scored and one summary of each of <see cref="ModelDescription.ScoreNames"/>.</returns>
    /// <exception cref="InputException">The file cannot be read or lacks a column of the model; nothing is left out silently.</exception>
    public static (long Rows, IReadOnlyList<ScoreSummary> Tasks) Run(
        Predictor predictor, DelimitedReader file, Action<long, float[]> write, CancellationToken cancellationToken,
        IReadOnlyList<TaskCalibrator>? calibrators = null)
    {
        var encoder = new RowEncoder(FeatureMap.FromJson(predictor.Model.FeatureMap), file.Names);
        var ids = new int[RowsAtOnce * predictor.Fields];
        var names = predictor.Model.Description.ScoreNames();
        var totals = new Totals(names.Count);
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
        return (rows, totals.Summaries(names, rows));

        long Flush(int count, long before)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var probabilities = new float[count * predictor.Tasks];
            var amounts = new float[predictor.PredictsAmount ? count : 0];
            predictor.Predict(ids.AsSpan(0, count * predictor.Fields), probabilities, amounts);
            if (calibrators is not null)
            {
                TaskCalibrator.Apply(calibrators, probabilities);
            }

            for (var row = 0; row < count; row++)
            {
                var ofRow = new float[names.Count];
                probabilities.AsSpan(row * predictor.Tasks, predictor.Tasks).CopyTo(ofRow);
                if (predictor.PredictsAmount)
                {
                    ofRow[^1] = amounts[row];
                }

                totals.Add(ofRow);
                write(before + row + 1, ofRow);
            }

            return before + count;
        }
    }

    private sealed class Totals(int columns)
    {
        private readonly double[] sums = new double[columns];
        private readonly float[] least = [.. Enumerable.Repeat(float.PositiveInfinity, columns)];
        private readonly float[] most = [.. Enumerable.Repeat(float.NegativeInfinity, columns)];

        public void Add(float[] values)
        {
            for (var column = 0; column < columns; column++)
            {
                sums[column] += values[column];
                least[column] = Math.Min(least[column], values[column]);
                most[column] = Math.Max(most[column], values[column]);
            }
        }

        public IReadOnlyList<ScoreSummary> Summaries(IReadOnlyList<string> names, long rows) =>
            [.. names.Select((name, column) => new ScoreSummary(name, sums[column] / rows, least[column], most[column]))];
    }
}
