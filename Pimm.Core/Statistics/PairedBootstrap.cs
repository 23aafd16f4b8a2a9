using MathNet.Numerics.Distributions;

namespace Pimm.Core.Statistics;

/// <summary>
/// The paired bootstrap of a mean difference, by customer: replicates draw whole customers with all their rows, and both models
/// are judged on the same draw. The distribution over infinitely many replicates is computed instead of drawn: that of a mean of
/// resampled values has a saddlepoint approximation with a small relative error far into its tails (Davison and Hinkley 1988,
/// Biometrika 75, 417; as r* = r + ln(v/r)/r, Barndorff-Nielsen 1986), where a tail of 1 in 1,000 would need a hundred thousand
/// draws. So the same rows give the same answer, without a seed. Tails are corrected for bias and skewness (BCa, Efron 1987,
/// JASA 82, 171): log losses of rare events are skewed.
/// </summary>
/// <remarks>A customer's rows may differ in number: the mean is Σ sums ÷ Σ rows, and a replicate's is below x exactly where its
/// Σ (sum − x·rows) is below 0, which is a sum of one value a customer again.</remarks>
public sealed class PairedBootstrap
{
    private const double FewestLeft = 0.1;
    private const int MostSteps = 100;

    private readonly double[] _sums;
    private readonly int[] _rows;
    private readonly double _bias;

    /// <param name="sums">one a customer: the sum of the differences of its rows, finite</param>
    /// <param name="rows">one a customer: how many rows it has, at least 1</param>
    /// <exception cref="InputException">fewer than two customers, or lists of different lengths</exception>
    public PairedBootstrap(double[] sums, int[] rows)
    {
        if (sums.Length != rows.Length || sums.Length < 2)
            throw new InputException($"{sums.Length} sums and {rows.Length} numbers of rows were given; give one of each for at least two customers.");
        (_sums, _rows) = (sums, rows);
        Rows = rows.Sum(r => (long)r);
        Mean = sums.Sum() / Rows;
        double squares = 0, cubes = 0;
        for (int i = 0; i < sums.Length; i++)
        {
            double e = sums[i] - Mean * rows[i];
            squares += e * e;
            cubes += e * e * e;
        }
        double n = sums.Length;
        StandardError = Math.Sqrt(squares * n / (n - 1)) / Rows;
        _bias = squares > 0 ? cubes / (6 * Math.Pow(squares, 1.5)) : 0;
    }

    public int Customers => _sums.Length;

    public long Rows { get; }

    /// <summary>The difference a row.</summary>
    public double Mean { get; }

    /// <summary>Of the mean, customers taken whole.</summary>
    public double StandardError { get; }

    /// <summary>One-sided p against "the mean is at least <paramref name="limit"/>": small where it is shown to be below.</summary>
    public double PValueBelow(double limit) => Normal.CDF(0, 1, -Score(limit));

    /// <summary>One-sided p against "the mean is at most <paramref name="limit"/>".</summary>
    public double PValueAbove(double limit) => Normal.CDF(0, 1, Score(limit));

    /// <summary>The two bounds, each missed with the chance <paramref name="tail"/>, above 0 and below ½.</summary>
    public (double Lower, double Upper) Interval(double tail)
    {
        if (!(tail > 0 && tail < 0.5))
            throw new InputException($"A tail of {tail} is not possible; give one above 0 and below 0.5.");
        double z = -Normal.InvCDF(0, 1, tail);
        return StandardError == 0 ? (Mean, Mean) : (Solve(-z), Solve(z));
    }

    /// <summary>The limit's place on the normal scale, BCa: positive where the mean lies below it.</summary>
    private double Score(double limit)
    {
        double root = SignedRoot(limit);
        if (double.IsInfinity(root))
            return root;
        double w = root - _bias;
        return w / Math.Max(1 + _bias * w, FewestLeft) - _bias;
    }

    /// <summary>Secant steps: the score is nearly a straight line of the limit.</summary>
    private double Solve(double score)
    {
        double before = Mean, scoreBefore = -_bias, at = Mean + score * StandardError;
        for (int step = 0; step < MostSteps; step++)
        {
            double here = Score(at);
            if (double.IsInfinity(here) || Math.Abs(here - score) < 1e-6)
                return at;
            double slope = (here - scoreBefore) / (at - before);
            (before, scoreBefore) = (at, here);
            at = Math.Clamp(slope > 0 ? at + (score - here) / slope : at, Mean - 12 * StandardError, Mean + 12 * StandardError);
            if (at == before)
                return at;
        }
        return at;
    }

    /// <summary>r* with Φ(r*) = P(a replicate's mean is at most x).</summary>
    private double SignedRoot(double x)
    {
        double[] values = new double[_sums.Length];
        double least = double.PositiveInfinity, most = double.NegativeInfinity;
        for (int i = 0; i < values.Length; i++)
        {
            double value = values[i] = _sums[i] - x * _rows[i];
            least = Math.Min(least, value);
            most = Math.Max(most, value);
        }
        if (most <= 0 || least >= 0)
            return least == most && most == 0 ? 0 : most <= 0 ? double.PositiveInfinity : double.NegativeInfinity;
        (double tilt, double log, double curvature) = Saddlepoint(values, least, most);
        double n = values.Length, root = Math.Sign(tilt) * Math.Sqrt(Math.Max(0, -2 * n * log));
        // The limit at the mean itself, where the formula is 0/0.
        return Math.Abs(root) < 1e-4 ? root + _bias : root + Math.Log(tilt * Math.Sqrt(n * curvature) / root) / root;
    }

    /// <summary>Where the derivative of K(t) = ln mean exp(t·value) is 0; K and its second derivative there.</summary>
    private static (double Tilt, double Log, double Curvature) Saddlepoint(double[] values, double least, double most)
    {
        // e^(t·value) stays a double: beyond these ends the root cannot lie for as many values as fit into memory.
        double low = -700 / most, high = 700 / -least, tilt = 0;
        (double Log, double Slope, double Curvature) k = default;
        for (int step = 0; step < MostSteps; step++)
        {
            k = Cumulants(values, tilt);
            if (k.Slope > 0)
                high = tilt;
            else
                low = tilt;
            double next = tilt - k.Slope / k.Curvature;
            if (!(next > low && next < high))
                next = (low + high) / 2;
            if (Math.Abs(next - tilt) <= 1e-10 * (Math.Abs(tilt) + 1e-300) || k.Slope == 0)
                break;
            tilt = next;
        }
        return (tilt, k.Log, k.Curvature);
    }

    private static (double Log, double Slope, double Curvature) Cumulants(double[] values, double tilt)
    {
        double sum = 0, first = 0, second = 0;
        foreach (double value in values)
        {
            double weight = Math.Exp(tilt * value);
            sum += weight;
            first += weight * value;
            second += weight * value * value;
        }
        double mean = first / sum;
        return (Math.Log(sum / values.Length), mean, second / sum - mean * mean);
    }
}
