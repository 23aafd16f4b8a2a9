namespace Pimm.Core.Training;

/// <summary>How the predicted amounts did on rows the network was not trained on, in the amount's own unit.</summary>
/// <param name="Mean">Of the amounts.</param>
/// <param name="PredictedMean">Of the predictions.</param>
/// <param name="Rmse">Root of the mean squared error.</param>
/// <param name="Mae">Mean absolute error.</param>
/// <param name="RmseOfMean">The same for predicting the training rows' mean for every row.</param>
/// <param name="MaeOfMean">The same for predicting the training rows' mean for every row.</param>
/// <param name="Spearman">Rank correlation of prediction and amount, mid-ranks for ties, −1 to 1; null where one of them never changes.</param>
public sealed record AmountMetrics(
    long Rows, double Mean, double PredictedMean, double Rmse, double Mae, double RmseOfMean, double MaeOfMean, double? Spearman)
{
    /// <param name="predictions">At least one row.</param>
    public static AmountMetrics Of(AmountModel model, AmountPredictions predictions)
    {
        double[] predicted = [.. predictions.Outputs.Select(output => model.ToAmount(output))];
        double[] actual = [.. predictions.Actual.Select(amount => (double)amount)];
        double[] constant = [.. actual.Select(_ => model.TrainingMean)];
        return new(
            actual.Length, actual.Average(), predicted.Average(),
            Rmse: RootMeanSquare(actual, predicted), Mae: MeanAbsolute(actual, predicted),
            RootMeanSquare(actual, constant), MeanAbsolute(actual, constant), RankCorrelation(actual, predicted));
    }

    private static double RootMeanSquare(double[] actual, double[] predicted) =>
        Math.Sqrt(actual.Zip(predicted, (one, other) => (one - other) * (one - other)).Average());

    private static double MeanAbsolute(double[] actual, double[] predicted) =>
        actual.Zip(predicted, (one, other) => Math.Abs(one - other)).Average();

    private static double? RankCorrelation(double[] first, double[] second)
    {
        var (one, other) = (Ranks(first), Ranks(second));
        var centre = (first.Length + 1) / 2.0;
        var (product, square, otherSquare) = (0.0, 0.0, 0.0);
        for (var row = 0; row < one.Length; row++)
        {
            var (left, right) = (one[row] - centre, other[row] - centre);
            product += left * right;
            square += left * left;
            otherSquare += right * right;
        }

        return square > 0 && otherSquare > 0 ? product / Math.Sqrt(square * otherSquare) : null;
    }

    private static double[] Ranks(double[] values)
    {
        var (sorted, order) = ((double[])values.Clone(), Enumerable.Range(0, values.Length).ToArray());
        Array.Sort(sorted, order);
        var ranks = new double[values.Length];
        for (var start = 0; start < sorted.Length;)
        {
            var end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start])
            {
                end++;
            }

            for (var at = start; at < end; at++)
            {
                ranks[order[at]] = (start + 1 + end) / 2.0;
            }

            start = end;
        }

        return ranks;
    }
}
