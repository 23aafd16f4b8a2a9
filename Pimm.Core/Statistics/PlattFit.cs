namespace Pimm.Core.Statistics;

/// <summary>
/// The logistic regression of smoothed labels on standardised logits, in two numbers: loss, gradient and Hessian as in Lin, Lin
/// and Weng (2007). Standardising keeps the Hessian well conditioned where every logit lies far from 0.
/// </summary>
internal readonly ref struct PlattFit
{
    private const int MostSteps = 100;

    private readonly double[] _x;
    private readonly double[] _targets;

    private PlattFit(ReadOnlySpan<byte> labels, ReadOnlySpan<double> logits, double mean, double spread)
    {
        int positives = labels.Count((byte)1), negatives = labels.Length - positives;
        _x = new double[labels.Length];
        _targets = new double[labels.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            _x[i] = (logits[i] - mean) / spread;
            _targets[i] = labels[i] == 1 ? (positives + 1.0) / (positives + 2) : 1.0 / (negatives + 2);
        }
    }

    /// <returns>null where the logits do not vary</returns>
    public static PlattCalibrator? Of(ReadOnlySpan<byte> labels, ReadOnlySpan<double> logits)
    {
        double mean = 0, squares = 0;
        foreach (double logit in logits)
            mean += logit / logits.Length;
        foreach (double logit in logits)
            squares += (logit - mean) * (logit - mean);
        double spread = Math.Sqrt(squares / logits.Length);
        if (!double.IsFinite(spread))
            throw new InputException("A logit is not finite; give finite logits.");
        // Below this, what varies is the rounding of the logits themselves.
        if (spread <= 1e-9 * (1 + Math.Abs(mean)))
            return null;
        var (slope, intercept) = new PlattFit(labels, logits, mean, spread).Minimise(0, PriorLogit(labels));
        return new PlattCalibrator(slope / spread, intercept - slope * mean / spread);
    }

    /// <summary>Lin's start beside a slope of 0: from a slope far too steep every probability is 0 or 1 and Newton has nowhere to go.</summary>
    private static double PriorLogit(ReadOnlySpan<byte> labels)
    {
        int positives = labels.Count((byte)1);
        return Math.Log((positives + 1.0) / (labels.Length - positives + 1));
    }

    private (double Slope, double Intercept) Minimise(double slope, double intercept)
    {
        double loss = Loss(slope, intercept);
        for (int step = 0; step < MostSteps; step++)
        {
            var (toSlope, toIntercept, decrease) = Newton(slope, intercept);
            double length = 1, next;
            while ((next = Loss(slope + length * toSlope, intercept + length * toIntercept)) > loss - 1e-4 * length * decrease && length > 1e-10)
                length /= 2;
            if (length <= 1e-10)
                break;
            (slope, intercept) = (slope + length * toSlope, intercept + length * toIntercept);
            bool converged = loss - next <= 1e-15 * loss;
            loss = next;
            if (converged)
                break;
        }
        return (slope, intercept);
    }

    /// <summary>−Σ t·ln σ(z) + (1−t)·ln(1−σ(z)) = Σ max(z, 0) + ln(1 + e^−|z|) − t·z: nothing overflows or cancels.</summary>
    private double Loss(double slope, double intercept)
    {
        double loss = 0;
        for (int i = 0; i < _x.Length; i++)
        {
            double z = slope * _x[i] + intercept;
            loss += Math.Max(z, 0) + Math.Log(1 + Math.Exp(-Math.Abs(z))) - _targets[i] * z;
        }
        return loss;
    }

    /// <summary>The step −H⁻¹g, and g·H⁻¹g, which it promises to win; Lin's 1e-12 on the diagonal of H.</summary>
    private (double Slope, double Intercept, double Decrease) Newton(double slope, double intercept)
    {
        double h11 = 1e-12, h22 = 1e-12, h12 = 0, g1 = 0, g2 = 0;
        for (int i = 0; i < _x.Length; i++)
        {
            double x = _x[i], p = 1 / (1 + Math.Exp(-(slope * x + intercept))), weight = p * (1 - p), error = p - _targets[i];
            h11 += x * x * weight;
            h12 += x * weight;
            h22 += weight;
            g1 += x * error;
            g2 += error;
        }
        double determinant = h11 * h22 - h12 * h12;
        double toSlope = -(h22 * g1 - h12 * g2) / determinant, toIntercept = -(h11 * g2 - h12 * g1) / determinant;
        return (toSlope, toIntercept, -(g1 * toSlope + g2 * toIntercept));
    }
}
