namespace Pimm.Core.Statistics;

/// <summary>Treatment against control where both are means: of values, of a ratio's linearised values, or proportions.</summary>
public static class MeanComparison
{
    private const string TooFew = "Each arm needs at least two customers.";
    private const string ZeroBaseline = "The control's mean is zero, so the relative lift is not defined.";

    /// <summary>m_T − m_C, standard error √(s²_T/n_T + s²_C/n_C), Student's t with Welch's degrees of freedom (Welch 1947).</summary>
    public static TestedEstimate Welch(SampleMean control, SampleMean treatment, double confidence = 0.95)
    {
        const string method = "welch";
        if (Math.Min(control.N, treatment.N) < 2)
            return TestedEstimate.Untested(Estimate.Unavailable(method, TooFew));
        return TestedEstimate.Student(
            treatment.Mean - control.Mean, Math.Sqrt(control.Squared + treatment.Squared), SampleMean.Degrees(control, treatment), confidence, method);
    }

    /// <summary>
    /// Relative lift (m_T − m_C)/|m_C| by the delta method: variance s²_T/(n_T·m_C²) + m_T²·s²_C/(n_C·m_C⁴), Student's t with Welch's
    /// degrees of freedom of the arms' variances. The sign is the difference's also under a negative baseline. At rare
    /// conversions its interval is lopsided: below some 200 an arm take the log risk ratio or Koopman's.
    /// </summary>
    public static TestedEstimate DeltaLift(SampleMean control, SampleMean treatment, double confidence = 0.95)
    {
        const string method = "delta";
        if (Math.Min(control.N, treatment.N) < 2)
            return TestedEstimate.Untested(Estimate.Unavailable(method, TooFew));
        if (control.Mean == 0)
            return TestedEstimate.Untested(Estimate.Unavailable(method, ZeroBaseline));
        double baseline = Math.Abs(control.Mean), ratio = treatment.Mean / baseline;
        double error = Math.Sqrt(treatment.Squared + ratio * ratio * control.Squared) / baseline;
        return TestedEstimate.Student((treatment.Mean - control.Mean) / baseline, error, SampleMean.Degrees(control, treatment), confidence, method);
    }

    /// <summary>
    /// Relative lift with Fieller's interval (1954, normal quantile): unbounded, and said so, where the control's mean cannot be told
    /// from zero. Tested by the difference of the means over its standard error: p is below 1 − confidence exactly where the
    /// interval leaves out zero.
    /// </summary>
    public static TestedEstimate FiellerLift(SampleMean control, SampleMean treatment, double confidence = 0.95)
    {
        if (control.Mean == 0)
            return TestedEstimate.Untested(Estimate.Unavailable(Fieller.Method, ZeroBaseline));
        Estimate Of(SampleMean arm) => Estimate.Normal(arm.Mean, Math.Sqrt(arm.Squared), confidence, Fieller.Method);
        Estimate ratio = Fieller.Ratio(Of(treatment), Of(control), confidence);
        double sign = Math.Sign(control.Mean), error = Math.Sqrt(control.Squared + treatment.Squared);
        Estimate lift = ratio with { Value = sign * (ratio.Value - 1), Lower = sign * (ratio.Lower - 1), Upper = sign * (ratio.Upper - 1) };
        if (sign < 0)
            lift = lift with { Lower = lift.Upper, Upper = lift.Lower };
        return lift.StandardError == 0
            ? TestedEstimate.Student(lift.Value!.Value, 0, double.PositiveInfinity, confidence, Fieller.Method)
            : new(lift, (treatment.Mean - control.Mean) / error, double.PositiveInfinity);
    }
}
