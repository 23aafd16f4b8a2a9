namespace Pimm.Core.Statistics;

/// <summary>Koopman's score interval (Biometrics 40, 1984) of the relative lift of two proportions.</summary>
public static class Koopman
{
    private const string Method = "koopman";

    /// <summary>p_T/p_C − 1 with Koopman's score interval (1984), right at few conversions and at none in one group.</summary>
    public static Estimate Lift(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        if (control.N == 0 || treatment.N == 0)
            return Estimate.Unavailable(Method, "One of the groups is empty.");
        if (control.Conversions == 0 && treatment.Conversions == 0)
            return Estimate.Unavailable(Method, "Neither group has a conversion.");
        double z = Estimate.CriticalValue(confidence), bound = z * z;
        double? ratio = control.Conversions == 0 ? null : treatment.Rate!.Value / control.Rate!.Value;
        double lower = treatment.Conversions == 0 ? 0 : Crossing(control, treatment, bound, ratio ?? 1e9, below: true);
        double upper = control.Conversions == 0 ? double.PositiveInfinity : Crossing(control, treatment, bound, Math.Max(ratio!.Value, 1e-9), below: false);
        double? error = ratio > 0 ? LogRiskRatio.Lift(control, treatment, confidence).Estimate.StandardError : null;
        return new Estimate(ratio - 1, error, lower - 1, upper - 1, Method,
            ratio is null ? "The control has no conversions, so the lift has a lower bound only." : null);
    }

    /// <summary>The statistic of no lift: Pearson's, the square root of χ² with the difference's sign. Null with an empty group.</summary>
    public static double? Statistic(Proportion control, Proportion treatment) => TwoByTwo.Pearson(control, treatment);

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
