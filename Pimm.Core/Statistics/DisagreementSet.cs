namespace Pimm.Core.Statistics;

/// <summary>
/// The difference of two targeting policies from the customers whom they treat differently (Simester, Timoshenko and
/// Zoumpoulis 2020): Δ_D = Σ_T DY/n_T − Σ_C DY/n_C over all eligible customers, zeros included.
/// </summary>
public static class DisagreementSet
{
    /// <summary>
    /// Each arm: all its eligible customers, and as conversions those with D·Y = 1. Var = s²_T(DY)/n_T + s²_C(DY)/n_C with
    /// n − 1 below each s². The unit is conversions per eligible customer.
    /// </summary>
    public static Estimate Difference(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        const string method = "disagreement-set";
        if (control.N < 2 || treatment.N < 2)
            return Estimate.Unavailable(method, "Each arm needs at least two eligible customers.");
        double c = control.Rate!.Value, t = treatment.Rate!.Value;
        double error = Math.Sqrt(c * (1 - c) / (control.N - 1) + t * (1 - t) / (treatment.N - 1));
        return Estimate.Normal(t - c, error, confidence, method);
    }
}
