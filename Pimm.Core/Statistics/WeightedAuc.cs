namespace Pimm.Core.Statistics;

/// <summary>The area under the ROC curve of rows that stand for unequal numbers of customers.</summary>
public static class WeightedAuc
{
    /// <summary>
    /// Σ wᵢwⱼ([sᵢ &gt; sⱼ] + ½[sᵢ = sⱼ]) / Σ wᵢwⱼ over positives i and negatives j: Mann–Whitney with mid-ranks, in O(n log n).
    /// Only the order of the scores and the proportions of the weights matter.
    /// </summary>
    /// <param name="labels">0 or 1</param>
    /// <param name="scores">any numbers but NaN</param>
    /// <param name="weights">positive and finite, one a row; null: all the same</param>
    /// <returns>null where only one class is present</returns>
    public static double? Of(ReadOnlySpan<byte> labels, ReadOnlySpan<double> scores, ReadOnlySpan<double> weights = default)
    {
        Check(labels, scores, weights);
        double[] keys = scores.ToArray();
        int[] rows = [.. Enumerable.Range(0, keys.Length)];
        Array.Sort(keys, rows);
        double negatives = 0, positives = 0, wins = 0, unit = Unit(weights);
        for (int start = 0, end; start < keys.Length; start = end)
        {
            double tiedPositives = 0, tiedNegatives = 0;
            for (end = start; end < keys.Length && keys[end] == keys[start]; end++)
            {
                double weight = weights.IsEmpty ? 1 : weights[rows[end]] / unit;
                (tiedPositives, tiedNegatives) = labels[rows[end]] == 1 ? (tiedPositives + weight, tiedNegatives) : (tiedPositives, tiedNegatives + weight);
            }
            wins += tiedPositives * (negatives + tiedNegatives / 2);
            negatives += tiedNegatives;
            positives += tiedPositives;
        }
        return negatives == 0 || positives == 0 ? null : Math.Min(1, wins / negatives / positives);
    }

    /// <summary>The power of two at the largest weight: in it sums and products of weights stay doubles, and no digit is lost.</summary>
    private static double Unit(ReadOnlySpan<double> weights)
    {
        double largest = 0;
        foreach (double weight in weights)
            largest = Math.Max(largest, weight);
        return largest == 0 ? 1 : Math.ScaleB(1, Math.ILogB(largest));
    }

    private static void Check(ReadOnlySpan<byte> labels, ReadOnlySpan<double> scores, ReadOnlySpan<double> weights)
    {
        if (labels.Length != scores.Length)
            throw new InputException($"{labels.Length} labels were given with {scores.Length} scores; give one score for each label.");
        if (!weights.IsEmpty && weights.Length != labels.Length)
            throw new InputException($"{labels.Length} labels were given with {weights.Length} weights; give one weight for each label.");
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] > 1)
                throw new InputException($"Label {labels[i]} at position {i} is neither 0 nor 1; give binary labels.");
            if (double.IsNaN(scores[i]))
                throw new InputException($"The score at position {i} is not a number; give finite values.");
            if (!weights.IsEmpty && !(weights[i] > 0 && double.IsFinite(weights[i])))
                throw new InputException($"Weight {weights[i]} at position {i} is not positive and finite; leave out rows without weight.");
        }
    }
}
