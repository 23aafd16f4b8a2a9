using Pimm.Core.Datasets;
using Pimm.Core.Networks;

namespace Pimm.Core.Training;

/// <summary>
/// How an amount is learned and read back: a ↔ (f(a) − mean) / deviation with f(a) = a or ln(1 + a), fitted on the training rows.
/// Amounts are as the snapshot has them: an empty cell is 0, a negative one (a refund) stays negative. ln(1 + a) is refused where
/// an amount is negative. Because the mean of a logarithm is not the logarithm of a mean, it is read back with a smearing factor
/// (Duan, JASA 1983): a = factor · exp(prediction) − 1. His one factor, the mean of exp(residual), holds where residuals spread alike
/// everywhere. Where many amounts are 0 they do not: on hotel bookings it made the error more than twice that of the mean. So each
/// tenth of the training rows by prediction has a factor of its own, mean of 1 + a over mean of exp(prediction).
/// </summary>
/// <param name="Mean">Of f(a) over the training rows.</param>
/// <param name="Deviation">Standard deviation of f(a) over the training rows; 1 where they are all the same.</param>
/// <param name="Smearing">From the lowest predictions to the highest, fitted after training; empty on the standardised scale.</param>
/// <param name="TrainingMean">Of a over the training rows: what one would predict without a network.</param>
/// <param name="Least">No prediction is below it: 0 where no training amount is negative; null otherwise.</param>
/// <param name="Most">The largest training amount; on the ln(1 + a) scale no prediction is above it.</param>
public sealed record AmountModel(
    AmountScale Scale, double Mean, double Deviation, IReadOnlyList<SmearingFactor> Smearing, double TrainingMean, double? Least, double Most)
{
    private const int SmearingParts = 10;
    private const int FewestRowsOfAPart = 50;

    /// <param name="rows">The training rows, at least one.</param>
    /// <exception cref="InputException">An amount is negative and the scale is ln(1 + a).</exception>
    public static AmountModel Fit(Snapshot data, ReadOnlySpan<int> rows, AmountScale scale)
    {
        var all = data.Amounts(0, checked((int)data.Rows));
        RefuseNegative(all, scale);
        var (sum, scaled, negative, most) = (0.0, 0.0, false, double.NegativeInfinity);
        foreach (var row in rows)
        {
            sum += all[row];
            scaled += Curved(all[row], scale);
            negative |= all[row] < 0;
            most = Math.Max(most, all[row]);
        }

        var (mean, square) = (scaled / rows.Length, 0.0);
        foreach (var row in rows)
        {
            var distance = Curved(all[row], scale) - mean;
            square += distance * distance;
        }

        var deviation = Math.Sqrt(square / rows.Length);
        return new(scale, mean, deviation > 0 ? deviation : 1, Smearing: [], sum / rows.Length, negative ? null : 0, most);
    }

    /// <summary>An amount as the network learns it.</summary>
    public float ToTraining(float amount) => (float)((Curved(amount, Scale) - Mean) / Deviation);

    /// <summary>A network's output as an amount; with ln(1 + a) about its expectation.</summary>
    public double ToAmount(double output)
    {
        var curved = Mean + Deviation * output;
        var amount = Scale == AmountScale.Log1p ? Math.Min(FactorAt(output) * Math.Exp(curved) - 1, Most) : curved;
        return Least is { } least ? Math.Max(amount, least) : amount;
    }

    /// <param name="amounts">Of the training rows.</param>
    public AmountModel WithSmearing(AmountPredictions amounts)
    {
        if (Scale != AmountScale.Log1p)
        {
            return this;
        }

        var (outputs, actual) = ((float[])amounts.Outputs.Clone(), (float[])amounts.Actual.Clone());
        Array.Sort(outputs, actual);
        var parts = Math.Clamp(actual.Length / FewestRowsOfAPart, 1, SmearingParts);
        var factors = new List<SmearingFactor>();
        for (var part = 0; part < parts; part++)
        {
            var (start, end) = (actual.Length * part / parts, actual.Length * (part + 1) / parts);
            var (amount, prediction) = (0.0, 0.0);
            for (var row = start; row < end; row++)
            {
                amount += 1.0 + actual[row];
                prediction += Math.Exp(Mean + Deviation * outputs[row]);
            }

            factors.Add(new SmearingFactor(part == parts - 1 ? double.PositiveInfinity : outputs[end - 1], amount / prediction));
        }

        return this with { Smearing = factors };
    }

    private double FactorAt(double output)
    {
        foreach (var part in Smearing)
        {
            if (output <= part.UpTo)
            {
                return part.Factor;
            }
        }

        return 1;
    }

    /// <returns>mean squared error on the training scale, where 1 is that of the training mean</returns>
    public double TrainingError(AmountPredictions amounts)
    {
        var sum = 0.0;
        for (var row = 0; row < amounts.Actual.Length; row++)
        {
            var distance = amounts.Outputs[row] - ToTraining(amounts.Actual[row]);
            sum += (double)distance * distance;
        }

        return sum / amounts.Actual.Length;
    }

    private static double Curved(float amount, AmountScale scale) => scale == AmountScale.Log1p ? Math.Log(1.0 + amount) : amount;

    private static void RefuseNegative(ReadOnlySpan<float> amounts, AmountScale scale)
    {
        for (var row = 0; scale == AmountScale.Log1p && row < amounts.Length; row++)
        {
            if (amounts[row] < 0)
            {
                throw new InputException(FormattableString.Invariant(
                    $"amountScale=log1p takes amounts from 0 upwards, but there is one of {amounts[row]}; choose amountScale=standardised or correct the file."));
            }
        }
    }
}

/// <summary>What predictions up to a bound, and above the bound before, are multiplied by.</summary>
/// <param name="UpTo">an output on the training scale; infinite for the last</param>
public sealed record SmearingFactor(double UpTo, double Factor);

/// <summary>A network's outputs for the amounts of N rows, on the training scale, and what the amounts were.</summary>
/// <param name="Outputs">[N]</param>
/// <param name="Actual">[N], as in the snapshot</param>
public sealed record AmountPredictions(float[] Outputs, float[] Actual);
