namespace Pimm.Core.Statistics;

/// <summary>Treatment against control where both are proportions.</summary>
public static class ProportionComparison
{
    /// <summary>Fewer conversions than this in either group: the relative lift uses Koopman's interval.</summary>
    public const int FewConversions = 30;

    /// <summary>p_T − p_C with Newcombe's hybrid score interval (1998, method 10) and Wald's standard error.</summary>
    public static Estimate Newcombe(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        if (control.N == 0 || treatment.N == 0)
            return Estimate.Unavailable("newcombe", "One of the groups is empty.");
        Estimate c = control.Wilson(confidence), t = treatment.Wilson(confidence);
        double pc = c.Value!.Value, pt = t.Value!.Value;
        double down = Length(pt - t.Lower!.Value, c.Upper!.Value - pc), up = Length(t.Upper!.Value - pt, pc - c.Lower!.Value);
        return new Estimate(pt - pc, Length(t.StandardError!.Value, c.StandardError!.Value), pt - pc - down, pt - pc + up, "newcombe");
    }

    /// <summary>p_T − p_C ± z·√(p_T(1−p_T)/n_T + p_C(1−p_C)/n_C).</summary>
    public static Estimate Wald(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        if (control.N == 0 || treatment.N == 0)
            return Estimate.Unavailable("wald", "One of the groups is empty.");
        double difference = treatment.Rate!.Value - control.Rate!.Value;
        return Estimate.Normal(difference, Length(control.Wilson().StandardError!.Value, treatment.Wilson().StandardError!.Value), confidence, "wald");
    }

    /// <summary>
    /// p_T/p_C − 1, its interval on the log scale: exp(ln RR ± z·√((1−p_C)/x_C + (1−p_T)/x_T)) − 1.
    /// The standard error is on the scale of the lift: RR times that of ln RR.
    /// </summary>
    public static Estimate LogRiskRatio(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        const string method = "log-risk-ratio";
        if (Undefined(control, treatment) is { } reason)
            return Estimate.Unavailable(method, reason);
        double pc = control.Rate!.Value, pt = treatment.Rate!.Value, ratio = pt / pc;
        if (treatment.Conversions == 0)
            return new Estimate(-1, null, null, null, method, "The treatment has no conversions, so the logarithm of the ratio has no interval; Koopman's has one.");
        double error = Math.Sqrt((1 - pc) / control.Conversions + (1 - pt) / treatment.Conversions);
        double factor = Math.Exp(Estimate.CriticalValue(confidence) * error);
        return new Estimate(ratio - 1, ratio * error, ratio / factor - 1, ratio * factor - 1, method);
    }

    /// <summary>p_T/p_C − 1 with Koopman's score interval (1984), right at few conversions and at none in one group.</summary>
    public static Estimate Koopman(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        const string method = "koopman";
        if (control.N == 0 || treatment.N == 0)
            return Estimate.Unavailable(method, "One of the groups is empty.");
        if (control.Conversions == 0 && treatment.Conversions == 0)
            return Estimate.Unavailable(method, "Neither group has a conversion.");
        double z = Estimate.CriticalValue(confidence), bound = z * z;
        double? ratio = control.Conversions == 0 ? null : treatment.Rate!.Value / control.Rate!.Value;
        double lower = treatment.Conversions == 0 ? 0 : Crossing(control, treatment, bound, ratio ?? 1e9, below: true);
        double upper = control.Conversions == 0 ? double.PositiveInfinity : Crossing(control, treatment, bound, Math.Max(ratio!.Value, 1e-9), below: false);
        double? error = ratio > 0 ? LogRiskRatio(control, treatment, confidence).StandardError : null;
        return new Estimate(ratio - 1, error, lower - 1, upper - 1, method,
            ratio is null ? "The control has no conversions, so the lift has a lower bound only." : null);
    }

    /// <summary>The relative lift as the report gives it: log risk ratio, or Koopman's interval below <see cref="FewConversions"/> in either group.</summary>
    public static Estimate RelativeLift(Proportion control, Proportion treatment, double confidence = 0.95) =>
        Math.Min(control.Conversions, treatment.Conversions) < FewConversions
            ? Koopman(control, treatment, confidence)
            : LogRiskRatio(control, treatment, confidence);

    private static string? Undefined(Proportion control, Proportion treatment) =>
        control.N == 0 || treatment.N == 0 ? "One of the groups is empty."
        : control.Conversions == 0 ? "The control has no conversions, so the relative lift is not defined." : null;

    private static double Length(double a, double b) => Math.Sqrt(a * a + b * b);

    private static double Crossing(Proportion control, Proportion treatment, double bound, double start, bool below)
    {
        double inside = Math.Log(start), step = below ? -1 : 1, outside = inside + step;
        while (Score(control, treatment, Math.Exp(outside)) < bound && Math.Abs(outside) < 600)
            (inside, outside, step) = (outside, outside + 2 * step, 2 * step);
        for (int i = 0; i < 200 && Math.Abs(outside - inside) > 1e-13; i++)
        {
            double middle = (inside + outside) / 2;
            if (Score(control, treatment, Math.Exp(middle)) < bound)
                inside = middle;
            else
                outside = middle;
        }
        return Math.Exp((inside + outside) / 2);
    }

    /// <summary>Koopman's U(θ): the score statistic of H₀: p_T = θ·p_C at the restricted maximum of the likelihood.</summary>
    private static double Score(Proportion control, Proportion treatment, double ratio)
    {
        double x = treatment.Conversions, m = treatment.N, y = control.Conversions, n = control.N;
        double b = ratio * (m + y) + x + n;
        // The smaller root of the quadratic, in the form without cancellation.
        double p = 2 * ratio * (x + y) / (b + Math.Sqrt(Math.Max(0, b * b - 4 * ratio * (m + n) * (x + y))));
        double deviation = x - m * p;
        if (deviation == 0)
            return 0;
        if (p <= 0 || p >= 1)
            return double.PositiveInfinity;
        return deviation * deviation / (m * p * (1 - p)) * (1 + m * (ratio - p) / (n * (1 - p)));
    }
}
