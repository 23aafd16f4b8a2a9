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
        double lower = treatment.Conversions == 0 ? 0 : Crossing(control, treatment, bound, ratio ?? Inside(control, treatment, bound, control.N * treatment.Rate!.Value, 16), below: true);
        double upper = control.Conversions == 0 ? double.PositiveInfinity
            : Crossing(control, treatment, bound, ratio > 0 ? ratio.Value : Inside(control, treatment, bound, 1 / (treatment.N * control.Rate!.Value), 1.0 / 16), below: false);
        double? error = ratio > 0 ? LogRiskRatio.Lift(control, treatment, confidence).Estimate.StandardError : null;
        return new Estimate(ratio - 1, error, lower - 1, upper - 1, Method,
            ratio is null ? "The control has no conversions, so the lift has a lower bound only." : null);
    }

    /// <summary>The statistic of no lift: Pearson's, the square root of χ² with the difference's sign. Null with an empty group.</summary>
    public static double? Statistic(Proportion control, Proportion treatment) => TwoByTwo.Pearson(control, treatment);

    /// <summary>A ratio inside the interval where one group has no conversions: the score falls to 0 towards the open end.</summary>
    private static double Inside(Proportion control, Proportion treatment, double bound, double start, double factor)
    {
        for (int i = 0; i < 100 && !(Score(control, treatment, start) < bound); i++)
            start *= factor;
        return start;
    }

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

    /// <summary>
    /// Koopman's U(θ), the score statistic of H₀: p_T = θ·p_C: Pearson's χ² of both groups at the restricted maximum of the likelihood.
    /// Each group's share of misses is solved for by itself: 1 − p has no digits left where nearly all convert.
    /// </summary>
    private static double Score(Proportion control, Proportion treatment, double ratio) =>
        Deviation(treatment, RestrictedMisses(treatment, control, ratio), RestrictedRate(treatment, control, ratio))
        + Deviation(control, RestrictedMisses(control, treatment, 1 / ratio), RestrictedRate(treatment, control, ratio) / ratio);

    private static double Deviation(Proportion group, double misses, double rate)
    {
        double difference = misses < 0.5 ? group.N * misses - (group.N - group.Conversions) : group.Conversions - group.N * rate;
        return difference == 0 ? 0 : misses <= 0 || rate <= 0 ? double.PositiveInfinity : difference * difference / (group.N * rate * misses);
    }

    /// <summary>p_T: the smaller root of (m + n)p² − (θ(m + y) + x + n)p + θ(x + y), in the form without cancellation.</summary>
    private static double RestrictedRate(Proportion group, Proportion other, double ratio)
    {
        double x = group.Conversions, m = group.N, y = other.Conversions, n = other.N, b = ratio * (m + y) + x + n;
        return 2 * ratio * (x + y) / (b + Math.Sqrt(Math.Max(0, b * b - 4 * ratio * (m + n) * (x + y))));
    }

    /// <summary>1 − p_T: the larger root of the same quadratic in q, (m + n)q² + Bq + (m − x)(1 − θ), B = θ(m + y) + x − 2m − n.</summary>
    private static double RestrictedMisses(Proportion group, Proportion other, double ratio)
    {
        double x = group.Conversions, m = group.N, y = other.Conversions, n = other.N;
        double b = ratio * (m + y) + x - 2 * m - n, c = (m - x) * (1 - ratio), root = Math.Sqrt(Math.Max(0, b * b - 4 * (m + n) * c));
        double misses = b > 0 ? -2 * c / (b + root) : (root - b) / (2 * (m + n));
        return Math.Clamp(misses, 0, 1);
    }
}
