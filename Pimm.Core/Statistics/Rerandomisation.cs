using MathNet.Numerics;

namespace Pimm.Core.Statistics;

/// <summary>
/// Splits accepted only when balanced (Morgan and Rubin 2012): redraw until Mahalanobis' M ≤ Threshold.
/// </summary>
/// <param name="Threshold">a with P(χ²_k ≤ a) = acceptance; infinite where every split is accepted</param>
/// <param name="VarianceRatio">
/// v_a = P(χ²_{k+2} ≤ a)/P(χ²_k ≤ a), 0 to 1: what is left of the variance of each covariate's difference; the outcome's
/// variance falls by R²·(1 − v_a), R² the share that the covariates explain
/// </param>
public sealed record Rerandomisation(double Threshold, double VarianceRatio)
{
    /// <param name="covariates">k ≥ 1, those that vary and do not repeat each other</param>
    /// <param name="acceptance">0 &lt; p ≤ 1, the share of splits accepted; 1/R is near to the best of R</param>
    public static Rerandomisation Of(int covariates, double acceptance)
    {
        if (covariates < 1)
            throw new InputException($"{covariates} covariates cannot be balanced; give at least 1.");
        if (!(acceptance > 0 && acceptance <= 1))
            throw new InputException($"An acceptance of {acceptance} is outside (0, 1]; give the share of splits to accept, for example 0.01.");
        if (acceptance == 1)
            return new(double.PositiveInfinity, 1);
        double threshold = Quantile(covariates, acceptance);
        double ratio = SpecialFunctions.GammaLowerRegularized(covariates / 2.0 + 1, threshold / 2) / acceptance;
        return new(threshold, ratio);
    }

    /// <summary>Bracketed by doubling and halved: safe at any k and p, where series for the inverse are not.</summary>
    private static double Quantile(int degrees, double acceptance)
    {
        double low = 0, high = 1;
        while (SpecialFunctions.GammaLowerRegularized(degrees / 2.0, high / 2) < acceptance)
            (low, high) = (high, 2 * high);
        while (high - low > 1e-15 * high)
        {
            double middle = (low + high) / 2;
            if (middle <= low || middle >= high)
                break;
            if (SpecialFunctions.GammaLowerRegularized(degrees / 2.0, middle / 2) < acceptance)
                low = middle;
            else
                high = middle;
        }
        return (low + high) / 2;
    }
}
