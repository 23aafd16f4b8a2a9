namespace Pimm.Core.Statistics;

/// <summary>A point of a gain chart, both 0 to 1.</summary>
/// <param name="Share">of the rows, those with the highest scores first</param>
/// <param name="Captured">of the positives</param>
public readonly record struct GainPoint(double Share, double Captured);

/// <summary>How well scores order and predict binary labels (0 or 1).</summary>
public static class RankingMetrics
{
    /// <summary>Probabilities are clamped to [this, 1 − this] before their logarithm: float32 rounds anything closer to 1.</summary>
    public const double SmallestProbability = 1e-7;

    /// <summary>
    /// Exact area under the ROC curve, ties counted by mid-ranks (Mann–Whitney), in O(n log n).
    /// Null where only one class is present. Throws <see cref="InputException"/> for lengths that differ, a label other than 0 or 1, or a NaN score.
    /// </summary>
    public static double? Auc(ReadOnlySpan<byte> labels, ReadOnlySpan<float> scores)
    {
        CheckPairs(labels, scores, "score");
        float[] keys = scores.ToArray();
        byte[] sorted = labels.ToArray();
        Array.Sort(keys, sorted);
        long negatives = 0, positives = 0, doubledWins = 0;
        for (int start = 0; start < keys.Length;)
        {
            long tiedPositives = 0;
            int end = start;
            for (; end < keys.Length && keys[end] == keys[start]; end++)
                tiedPositives += sorted[end];
            long tiedNegatives = end - start - tiedPositives;
            doubledWins += tiedPositives * (2 * negatives + tiedNegatives);
            negatives += tiedNegatives;
            positives += tiedPositives;
            start = end;
        }
        return negatives == 0 || positives == 0 ? null : doubledWins / (2.0 * negatives * positives);
    }

    /// <summary>
    /// The AUC expected when each label is drawn with its own true probability p: Σ pᵢ(1−pⱼ)[sᵢ > sⱼ] / Σ pᵢ(1−pⱼ), ties ½
    /// (spec/market.md). The yardstick for scores where the truth is known: AUC on drawn labels adds noise.
    /// </summary>
    public static double? ExpectedAuc(ReadOnlySpan<double> probabilities, ReadOnlySpan<float> scores)
    {
        if (probabilities.Length != scores.Length)
            throw new InputException($"{probabilities.Length} probabilities were given with {scores.Length} scores; give one score for each probability.");
        float[] keys = scores.ToArray();
        double[] p = probabilities.ToArray();
        Array.Sort(keys, p);
        double below = 0, wins = 0, sumP = 0;
        for (int start = 0; start < keys.Length;)
        {
            double tiedP = 0;
            int end = start;
            for (; end < keys.Length && keys[end] == keys[start]; end++)
                tiedP += p[end];
            double tiedQ = end - start - tiedP;
            wins += tiedP * (below + tiedQ / 2);
            below += tiedQ;
            sumP += tiedP;
            start = end;
        }
        return sumP > 0 && below > 0 ? wins / (sumP * below) : null;
    }

    /// <summary>Mean negative log likelihood in nats, probabilities clamped by <see cref="SmallestProbability"/>. Null without rows.</summary>
    public static double? LogLoss(ReadOnlySpan<byte> labels, ReadOnlySpan<float> probabilities)
    {
        CheckPairs(labels, probabilities, "probability");
        double sum = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            double p = Math.Clamp(probabilities[i], SmallestProbability, 1 - SmallestProbability);
            sum -= labels[i] == 1 ? Math.Log(p) : Math.Log(1 - p);
        }
        return labels.Length == 0 ? null : sum / labels.Length;
    }

    /// <summary>
    /// AUC over the rows whose previous stage was reached: how well clicks, say, are told apart by who buys. Another question than
    /// <see cref="Auc"/> over all rows (the entire space), and not to be compared with it. Null where these rows hold one class only.
    /// </summary>
    /// <param name="labels">[N], of the stage</param>
    /// <param name="previousLabels">[N], of the stage before</param>
    /// <param name="scores">[N]</param>
    public static double? ConditionalAuc(ReadOnlySpan<byte> labels, ReadOnlySpan<byte> previousLabels, ReadOnlySpan<float> scores)
    {
        CheckPairs(previousLabels, scores, "score");
        CheckPairs(labels, scores, "score");
        int reached = previousLabels.Count((byte)1), kept = 0;
        byte[] keptLabels = new byte[reached];
        float[] keptScores = new float[reached];
        for (int i = 0; i < labels.Length; i++)
        {
            if (previousLabels[i] == 0)
                continue;
            keptLabels[kept] = labels[i];
            keptScores[kept++] = scores[i];
        }
        return Auc(keptLabels, keptScores);
    }

    /// <summary>
    /// The share of all positives among the n rows with the highest scores (capture@n), 0 to 1. Rows tied at the border share it:
    /// the expectation over every order of them. Null without positives; 1 where n is all rows or more.
    /// </summary>
    /// <param name="n">0 or more, whole or not</param>
    public static double? CaptureAt(ReadOnlySpan<byte> labels, ReadOnlySpan<float> scores, double n) =>
        n >= 0 ? Captured(labels, scores, [n])?[0]
        : throw new InputException($"{n} rows at the top are impossible; give 0 or more.");

    /// <summary>
    /// The rate in the tenth of the rows with the highest scores ÷ the rate of all (lift@decile), 0 to 10; 1 is chance. A tenth
    /// that is no whole number of rows takes its last row in part. Null without positives.
    /// </summary>
    public static double? LiftAtDecile(ReadOnlySpan<byte> labels, ReadOnlySpan<float> scores) =>
        CaptureAt(labels, scores, labels.Length / 10.0) * 10;

    /// <summary>
    /// The cumulative gain chart: the share of positives among the top 0, 1/points, …, 1 of the rows, in points + 1 entries.
    /// Chance is the diagonal. Null without positives.
    /// </summary>
    public static IReadOnlyList<GainPoint>? GainCurve(ReadOnlySpan<byte> labels, ReadOnlySpan<float> scores, int points)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 1);
        double[] tops = new double[points + 1];
        for (int i = 0; i <= points; i++)
            tops[i] = (double)labels.Length * i / points;
        return Captured(labels, scores, tops) is { } captured ? [.. captured.Select((share, i) => new GainPoint((double)i / points, share))] : null;
    }

    /// <param name="tops">ascending numbers of rows</param>
    private static double[]? Captured(ReadOnlySpan<byte> labels, ReadOnlySpan<float> scores, ReadOnlySpan<double> tops)
    {
        CheckPairs(labels, scores, "score");
        long positives = labels.Count((byte)1), above = 0;
        if (positives == 0)
            return null;
        float[] keys = scores.ToArray();
        byte[] sorted = labels.ToArray();
        Array.Sort(keys, sorted);
        double[] captured = new double[tops.Length];
        int top = 0;
        for (int end = keys.Length; end > 0 && top < tops.Length;)
        {
            long tied = 0;
            int start = end, before = keys.Length - end;
            for (; start > 0 && keys[start - 1] == keys[end - 1]; start--)
                tied += sorted[start - 1];
            for (; top < tops.Length && tops[top] <= keys.Length - start; top++)
                captured[top] = (above + tied * (tops[top] - before) / (end - start)) / positives;
            above += tied;
            end = start;
        }
        captured.AsSpan(top).Fill(1);
        return captured;
    }

    internal static void CheckPairs(ReadOnlySpan<byte> labels, ReadOnlySpan<float> values, string name)
    {
        if (labels.Length != values.Length)
            throw new InputException($"{labels.Length} labels were given with {values.Length} values of {name}; give one {name} for each label.");
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] > 1)
                throw new InputException($"Label {labels[i]} at position {i} is neither 0 nor 1; give binary labels.");
            if (float.IsNaN(values[i]))
                throw new InputException($"The {name} at position {i} is not a number; give finite values.");
        }
    }
}
