using MathNet.Numerics.Distributions;

namespace Pimm.Core.Statistics;

/// <summary>
/// The corrected resampled t-test of Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52 (2003),
/// equation (15): differences between two models on S random splits of one data set share most of their training rows, so their
/// variance s² understates that of another data set's. t = d̄ / √((1/S + n_test/n_train)·s²) with S − 1 degrees of freedom.
/// Differences over seeds on one split are not what it takes: they hold no variance between data sets.
/// </summary>
/// <param name="Mean">d̄, in the differences' unit</param>
/// <param name="StandardError">√((1/S + n_test/n_train)·s²)</param>
/// <param name="T">±infinity where every difference is the same and not 0; 0 where all are 0</param>
/// <param name="Degrees">S − 1</param>
/// <param name="PValue">two-sided; where the differences do not vary, 1 if they are 0 and else 0</param>
/// <param name="Lower">of the two-sided interval</param>
/// <param name="Upper">of the two-sided interval</param>
/// <param name="OneSidedLower">the bound that the true difference exceeds with the same confidence, one-sided</param>
public sealed record CorrectedResampledTest(
    double Mean, double StandardError, double T, int Degrees, double PValue, double Lower, double Upper, double OneSidedLower)
{
    /// <param name="differences">one a split, at least 2; 10 or more for a result to be reported</param>
    /// <param name="testToTrain">n_test ÷ n_train, 0 or more (0.25 for an 80/20 split); 0 is the uncorrected paired t-test</param>
    /// <param name="confidence">strictly between 0 and 1</param>
    /// <exception cref="InputException">fewer than 2 differences, one that is not finite, a ratio or a confidence out of bounds</exception>
    public static CorrectedResampledTest Of(ReadOnlySpan<double> differences, double testToTrain, double confidence = 0.95)
    {
        Check(differences, testToTrain);
        _ = Estimate.CriticalValue(confidence);
        double mean = 0, squares = 0;
        foreach (double difference in differences)
            mean += difference / differences.Length;
        foreach (double difference in differences)
            squares += (difference - mean) * (difference - mean);
        int degrees = differences.Length - 1;
        // Equal differences leave a rounding error of the mean behind, which is no variance.
        bool varies = differences.ContainsAnyExcept(differences[0]);
        if (!varies)
            return Certain(differences[0], degrees);
        double error = Math.Sqrt((1.0 / differences.Length + testToTrain) * squares / degrees), t = mean / error;
        double half = StudentT.InvCDF(0, 1, degrees, 0.5 + confidence / 2) * error;
        double oneSided = StudentT.InvCDF(0, 1, degrees, confidence) * error;
        return new(mean, error, t, degrees, 2 * StudentT.CDF(0, 1, degrees, -Math.Abs(t)), mean - half, mean + half, mean - oneSided);
    }

    private static CorrectedResampledTest Certain(double mean, int degrees) => new(
        mean, 0, mean == 0 ? 0 : mean > 0 ? double.PositiveInfinity : double.NegativeInfinity, degrees, mean == 0 ? 1 : 0, mean, mean, mean);

    private static void Check(ReadOnlySpan<double> differences, double testToTrain)
    {
        if (differences.Length < 2)
            throw new InputException($"{differences.Length} differences were given; the corrected resampled t-test needs at least 2 splits.");
        if (!(testToTrain >= 0) || double.IsInfinity(testToTrain))
            throw new InputException(FormattableString.Invariant($"The ratio of test to training rows {testToTrain} is out of bounds; it must be 0 or more, for example 0.25."));
        for (int i = 0; i < differences.Length; i++)
            if (!double.IsFinite(differences[i]))
                throw new InputException($"The difference of split {i} is not finite; leave out a task whose metric is not defined.");
    }
}
