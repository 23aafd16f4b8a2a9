namespace Pimm.Core.Statistics;

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
