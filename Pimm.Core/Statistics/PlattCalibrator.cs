namespace Pimm.Core.Statistics;

/// <summary>
/// Probabilities put right after training: σ(slope·logit(p) + intercept), by Platt, "Probabilistic Outputs for Support Vector
/// Machines" (1999), with his smoothed targets (N₊+1)/(N₊+2) and 1/(N₋+2), and fitted as Lin, Lin and Weng, "A Note on Platt's
/// Probabilistic Outputs" (Machine Learning 68, 2007): Newton with backtracking. The slope is above 0, so the order of rows,
/// and with it every ranking metric, stays, but for neighbours that the rounding to float32 makes equal.
/// </summary>
public sealed record PlattCalibrator(double Slope, double Intercept)
{
    /// <summary>Fewer rows than this of either class fit two numbers badly; then none is fitted.</summary>
    public const int FewestOfAClass = 50;

    /// <summary>Fits on probabilities; their logits are taken as <see cref="Logit"/> does.</summary>
    /// <param name="labels">[N], 0 or 1, of rows that neither trained nor chose the model</param>
    /// <param name="probabilities">[N], predicted as they will be when the calibrator is used</param>
    /// <returns>
    /// null below <see cref="FewestOfAClass"/> positives or negatives, and where a higher probability does not mean a more
    /// frequent label: all the same, or a slope of 0 or less
    /// </returns>
    /// <exception cref="InputException">lengths that differ, a label other than 0 or 1, NaN</exception>
    public static PlattCalibrator? Of(ReadOnlySpan<byte> labels, ReadOnlySpan<float> probabilities)
    {
        RankingMetrics.CheckPairs(labels, probabilities, "probability");
        double[] logits = new double[probabilities.Length];
        for (int i = 0; i < logits.Length; i++)
            logits[i] = Logit(probabilities[i]);
        return OfLogits(labels, logits);
    }

    /// <summary>As <see cref="Of"/>, for a caller that still has the logits.</summary>
    /// <param name="labels">[N], 0 or 1</param>
    /// <param name="logits">[N], finite</param>
    public static PlattCalibrator? OfLogits(ReadOnlySpan<byte> labels, ReadOnlySpan<double> logits)
    {
        int positives = labels.Count((byte)1);
        if (positives < FewestOfAClass || labels.Length - positives < FewestOfAClass)
            return null;
        return PlattFit.Of(labels, logits) is { Slope: > 0 } fitted ? fitted : null;
    }

    /// <summary>ln(p/(1−p)), p clamped by <see cref="RankingMetrics.SmallestProbability"/>.</summary>
    public static double Logit(double probability)
    {
        double p = Math.Clamp(probability, RankingMetrics.SmallestProbability, 1 - RankingMetrics.SmallestProbability);
        return Math.Log(p / (1 - p));
    }

    public float Apply(float probability) => (float)(1 / (1 + Math.Exp(-(Slope * Logit(probability) + Intercept))));

    /// <returns>as many probabilities, in a new array</returns>
    public float[] Apply(ReadOnlySpan<float> probabilities)
    {
        float[] calibrated = new float[probabilities.Length];
        for (int i = 0; i < calibrated.Length; i++)
            calibrated[i] = Apply(probabilities[i]);
        return calibrated;
    }
}
