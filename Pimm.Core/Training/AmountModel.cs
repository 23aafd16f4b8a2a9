using Pimm.Core.Datasets;
using Pimm.Core.Networks;

namespace Pimm.Core.Training;

/// <summary>
/// How an amount is learned and read back: a ↔ (f(a) − mean) / deviation with f(a) = a or ln(1 + a), fitted on the training rows.
/// Amounts are as the snapshot has them: an empty cell is 0, a negative one (a refund) stays negative. ln(1 + a) is refused where
/// an amount is negative. Because the mean of a logarithm is not the logarithm of a mean, it is read back with Duan's smearing
/// factor (JASA 1983): a = factor · exp(prediction) − 1, factor = mean of exp(residual) over the training rows.
/// </summary>
/// <param name="Mean">Of f(a) over the training rows.</param>
/// <param name="Deviation">Standard deviation of f(a) over the training rows; 1 where they are all the same.</param>
/// <param name="Smearing">Duan's factor, fitted after training; 1 on the standardised scale.</param>
/// <param name="TrainingMean">Of a over the training rows: what one would predict without a network.</param>
/// <param name="Least">No prediction is below it: 0 where no training amount is negative; null otherwise.</param>
public sealed record AmountModel(
    AmountScale Scale, double Mean, double Deviation, double Smearing, double TrainingMean, double? Least)
{
    /// <param name="rows">The training rows, at least one.</param>
    /// <exception cref="InputException">An amount is negative and the scale is ln(1 + a).</exception>
    public static AmountModel Fit(Snapshot data, ReadOnlySpan<int> rows, AmountScale scale)
    {
        var all = data.Amounts(0, checked((int)data.Rows));
        RefuseNegative(all, scale);
        var (sum, scaled, negative) = (0.0, 0.0, false);
        foreach (var row in rows)
        {
            sum += all[row];
            scaled += Curved(all[row], scale);
            negative |= all[row] < 0;
        }

        var (mean, square) = (scaled / rows.Length, 0.0);
        foreach (var row in rows)
        {
            var distance = Curved(all[row], scale) - mean;
            square += distance * distance;
        }

        var deviation = Math.Sqrt(square / rows.Length);
        return new(scale, mean, deviation > 0 ? deviation : 1, Smearing: 1, sum / rows.Length, negative ? null : 0);
    }

    /// <summary>An amount as the network learns it.</summary>
    public float ToTraining(float amount) => (float)((Curved(amount, Scale) - Mean) / Deviation);

    /// <summary>
    /// A network's output as an amount; with ln(1 + a) its expectation where residuals spread alike everywhere. They do not where many
    /// amounts are 0: then the standardised scale is the better choice.
    /// </summary>
    public double ToAmount(double output)
    {
        var curved = Mean + Deviation * output;
        var amount = Scale == AmountScale.Log1p ? Smearing * Math.Exp(curved) - 1 : curved;
        return Least is { } least ? Math.Max(amount, least) : amount;
    }

    /// <param name="amounts">Of the training rows.</param>
    public AmountModel WithSmearing(AmountPredictions amounts)
    {
        if (Scale != AmountScale.Log1p)
        {
            return this;
        }

        var sum = 0.0;
        for (var row = 0; row < amounts.Actual.Length; row++)
        {
            sum += Math.Exp(Curved(amounts.Actual[row], Scale) - (Mean + Deviation * amounts.Outputs[row]));
        }

        return this with { Smearing = sum / amounts.Actual.Length };
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

/// <summary>A network's outputs for the amounts of N rows, on the training scale, and what the amounts were.</summary>
/// <param name="Outputs">[N]</param>
/// <param name="Actual">[N], as in the snapshot</param>
public sealed record AmountPredictions(float[] Outputs, float[] Actual);
