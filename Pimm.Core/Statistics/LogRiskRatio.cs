namespace Pimm.Core.Statistics;

/// <summary>The relative lift of two proportions with its interval on the log scale (Katz and others 1978), right from some 30 conversions an arm on.</summary>
public static class LogRiskRatio
{
    private const string Method = "log-risk-ratio";

    /// <summary>
    /// p_T/p_C − 1, exp(ln RR ± (z·SE + c)) − 1 with SE = √((1−p_C)/x_C + (1−p_T)/x_T). Pooled: SE = √(p̄(1−p̄)(1/n_C + 1/n_T))/p̄, right
    /// under the null alone. Continuity: c = ½(1/n_C + 1/n_T)/p_C, and the statistic comes that much nearer to 0, never past it. The
    /// standard error is on the scale of the lift: RR times that of ln RR.
    /// </summary>
    public static TestedEstimate Lift(Proportion control, Proportion treatment, double confidence = 0.95, bool pooled = false, bool continuity = false)
    {
        if (Undefined(control, treatment) is { } undefined)
            return TestedEstimate.Untested(undefined);
        double pc = control.Rate!.Value, pt = treatment.Rate!.Value;
        double error = pooled ? PooledError(control, treatment) : Math.Sqrt((1 - pc) / control.Conversions + (1 - pt) / treatment.Conversions);
        double correction = continuity ? 0.5 * (1.0 / control.N + 1.0 / treatment.N) / pc : 0;
        return Interval(Math.Log(pt / pc), pt / pc - 1, error, correction, confidence, Method);
    }

    /// <summary>
    /// The same after adding ½ to each group's conversions and customers (Walter 1975), defined without conversions too. The estimate is
    /// the observed lift, null where the control has no conversions; statistic, error and interval are those of the added-to counts.
    /// </summary>
    public static TestedEstimate Adjusted(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        const string method = "log-risk-ratio-adjusted";
        if (control.N == 0 || treatment.N == 0)
            return TestedEstimate.Untested(Estimate.Unavailable(method, "One of the groups is empty."));
        double xc = control.Conversions + 0.5, xt = treatment.Conversions + 0.5, nc = control.N + 0.5, nt = treatment.N + 0.5;
        double? value = control.Conversions == 0 ? null : treatment.Rate / control.Rate - 1;
        TestedEstimate lift = Interval(Math.Log(xt / nt / (xc / nc)), value, Math.Sqrt(1 / xc - 1 / nc + 1 / xt - 1 / nt), 0, confidence, method);
        string? note = value is null ? "The control has no conversions, so the relative lift is not defined; the interval is that after adding one half to each count."
            : treatment.Conversions == 0 ? "The treatment has no conversions: the observed lift of -1 lies below the interval, which is that after adding one half to each count."
            : null;
        return note is null ? lift : lift with { Estimate = lift.Estimate with { Note = note } };
    }

    private static Estimate? Undefined(Proportion control, Proportion treatment) =>
        control.N == 0 || treatment.N == 0 ? Estimate.Unavailable(Method, "One of the groups is empty.")
        : control.Conversions == 0 ? Estimate.Unavailable(Method, "The control has no conversions, so the relative lift is not defined.")
        : treatment.Conversions == 0 ? new Estimate(-1, null, null, null, Method, "The treatment has no conversions, so the logarithm of the ratio has no interval; Koopman's has one.")
        : null;

    private static double PooledError(Proportion control, Proportion treatment)
    {
        double hits = (double)control.Conversions + treatment.Conversions, total = (double)control.N + treatment.N;
        return Math.Sqrt((1 - hits / total) * (1.0 / control.N + 1.0 / treatment.N) / (hits / total));
    }

    private static TestedEstimate Interval(double log, double? value, double error, double correction, double confidence, string method)
    {
        double factor = Math.Exp(Estimate.CriticalValue(confidence) * error + correction), ratio = Math.Exp(log);
        if (error == 0)
            return TestedEstimate.Untested(new Estimate(value, 0, null, null, method, "Everybody converts in both groups, so there is no interval and no test."));
        double nearer = Math.Sign(log) * Math.Max(0, Math.Abs(log) - correction);
        return new(new Estimate(value, ratio * error, ratio / factor - 1, ratio * factor - 1, method), nearer / error, double.PositiveInfinity);
    }
}
