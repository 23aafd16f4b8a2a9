namespace Pimm.Core.Statistics;

/// <summary>One stratum's arms; each has customers, and a mean's variance needs two.</summary>
public sealed record Stratum(SampleMean Control, SampleMean Treatment)
{
    public double Customers => (double)Control.N + Treatment.N;
}

/// <summary>
/// Treatment against control compared within strata known before the experiment, strata weighted by their customers of both arms
/// (Miratrix, Sekhon and Yu, JRSS B 75, 2013): what differs between strata no longer adds to the variance.
/// </summary>
public static class PostStratification
{
    private const string Method = "post-stratification";

    /// <summary>
    /// Σν_k(Ȳ_Tk − Ȳ_Ck), ν_k = N_k/N; relative: over |Σν_k·Ȳ_Ck| by the delta method. With α_k = (Ȳ_Ck, Ȳ_Tk − Ȳ_Ck) the covariance of both sums is
    /// α(diag ν − νν')α'/N (strata drawn) + Σν_k·Σ_k/N, Σ_k = N_k times the covariance of α_k within the stratum. Normal interval.
    /// </summary>
    /// <exception cref="InputException">no stratum, or one with an empty arm</exception>
    public static TestedEstimate Effect(IReadOnlyList<Stratum> strata, bool relative, double confidence = 0.95)
    {
        if (strata.Count == 0)
            throw new InputException("There are no strata; give at least one with a control and a treatment.");
        for (int k = 0; k < strata.Count; k++)
            if (strata[k].Control.N < 1 || strata[k].Treatment.N < 1)
                throw new InputException($"Stratum {k + 1} has {strata[k].Control.N} customers in the control and {strata[k].Treatment.N} in the treatment; merge it with another, so that both have some.");
        double total = strata.Sum(stratum => stratum.Customers), baseline = 0, effect = 0;
        foreach (Stratum stratum in strata)
        {
            baseline += stratum.Customers / total * stratum.Control.Mean;
            effect += stratum.Customers / total * (stratum.Treatment.Mean - stratum.Control.Mean);
        }
        if (relative && baseline == 0)
            return TestedEstimate.Untested(Estimate.Unavailable(Method, "The control's mean over the strata is zero, so the relative lift is not defined."));
        double size = relative ? Math.Abs(baseline) : 1;
        double variance = Variance(strata, total, slope: relative ? -effect / baseline : 0) / (size * size);
        return TestedEstimate.Student(effect / size, Math.Sqrt(variance), double.PositiveInfinity, confidence, Method);
    }

    /// <summary>The variance of Σν_k(d_k + slope·Ȳ_Ck), d_k the stratum's difference.</summary>
    private static double Variance(IReadOnlyList<Stratum> strata, double total, double slope)
    {
        double mean = 0, squares = 0, within = 0;
        foreach (Stratum stratum in strata)
        {
            double share = stratum.Customers / total, value = stratum.Treatment.Mean - stratum.Control.Mean + slope * stratum.Control.Mean;
            mean += share * value;
            squares += share * value * value;
            within += share * stratum.Customers * (stratum.Treatment.Squared + (1 - slope) * (1 - slope) * stratum.Control.Squared);
        }
        return (Math.Max(0, squares - mean * mean) + within) / total;
    }
}
