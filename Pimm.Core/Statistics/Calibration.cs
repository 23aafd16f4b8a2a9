namespace Pimm.Core.Statistics;

/// <summary>One of the bins of a calibration curve: equally many rows each, ordered by predicted probability.</summary>
public sealed record CalibrationBin(int Rows, double Predicted, double Observed);

/// <summary>
/// How predicted probabilities compare with what happened. Ratio: mean predicted ÷ mean observed (1 is right), null without
/// positives. ExpectedError: the expected calibration error over equal-count bins, in probability.
/// </summary>
public sealed record Calibration(double? Ratio, double? ExpectedError, IReadOnlyList<CalibrationBin> Bins)
{
    /// <summary>Ties are kept in the order of the sort, so a bin edge may fall inside a run of equal probabilities.</summary>
    public static Calibration Of(ReadOnlySpan<byte> labels, ReadOnlySpan<float> probabilities, int bins = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        RankingMetrics.CheckPairs(labels, probabilities, "probability");
        float[] keys = probabilities.ToArray();
        byte[] sorted = labels.ToArray();
        Array.Sort(keys, sorted);
        var curve = new List<CalibrationBin>(bins);
        double predicted = 0, observed = 0, error = 0;
        for (int b = 0; b < bins; b++)
        {
            int start = (int)((long)keys.Length * b / bins), end = (int)((long)keys.Length * (b + 1) / bins);
            if (end == start)
                continue;
            double p = 0, y = 0;
            for (int i = start; i < end; i++)
            {
                p += keys[i];
                y += sorted[i];
            }
            predicted += p;
            observed += y;
            error += Math.Abs(p - y);
            curve.Add(new CalibrationBin(end - start, p / (end - start), y / (end - start)));
        }
        return new Calibration(observed > 0 ? predicted / observed : null, keys.Length > 0 ? error / keys.Length : null, curve);
    }
}
