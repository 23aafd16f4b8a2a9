namespace Pimm.Core.Statistics;

/// <summary>
/// Miettinen and Nurminen's score interval (Statistics in Medicine 4, 1985) of a difference of proportions: the differences δ whose
/// statistic (p_T − p_C − δ)/√(p̃_T(1−p̃_T)/n_T + p̃_C(1−p̃_C)/n_C)·√((N−1)/N) is within ±z, p̃ the likeliest rates that differ by δ.
/// </summary>
public static class MiettinenNurminen
{
    private const string Method = "miettinen-nurminen";

    /// <summary>p_T − p_C with its interval and Wald's standard error.</summary>
    public static Estimate Difference(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        if (control.Sample is not { } c || treatment.Sample is not { } t)
            return Estimate.Unavailable(Method, "One of the groups is empty.");
        double z = Estimate.CriticalValue(confidence), difference = t.Mean - c.Mean;
        return new Estimate(difference, Math.Sqrt(c.Squared + t.Squared),
            Bound(control, treatment, difference, -1, z), Bound(control, treatment, difference, 1, -z), Method);
    }

    /// <summary>The statistic of a difference δ in [−1, 1], normal if δ is true; 0 where δ is exactly what was seen. Null with an empty group.</summary>
    public static double? Statistic(Proportion control, Proportion treatment, double difference = 0)
    {
        if (control.Rate is not { } pc || treatment.Rate is not { } pt)
            return null;
        double distance = pt - pc - difference;
        double likeliest = Likeliest(control, treatment, difference), other = Math.Clamp(likeliest + difference, 0, 1);
        double total = (double)control.N + treatment.N;
        double variance = (other * (1 - other) / treatment.N + likeliest * (1 - likeliest) / control.N) * total / (total - 1);
        return Math.Abs(distance) < 1e-15 ? 0 : variance <= 0 ? Math.CopySign(double.PositiveInfinity, distance) : distance / Math.Sqrt(variance);
    }

    /// <summary>Between what was seen and the end of what is possible, the difference whose statistic is z; the statistic falls as the difference grows.</summary>
    private static double Bound(Proportion control, Proportion treatment, double inside, double outside, double z)
    {
        if (Math.Abs(inside - outside) < 1e-15)
            return outside;
        for (int i = 0; i < 70; i++)
        {
            double middle = (inside + outside) / 2, statistic = Statistic(control, treatment, middle)!.Value;
            if (Math.Abs(statistic) < Math.Abs(z))
                inside = middle;
            else
                outside = middle;
        }
        return outside;
    }

    /// <summary>The control's rate of the greatest likelihood given the difference: the root of the slope, which falls.</summary>
    private static double Likeliest(Proportion control, Proportion treatment, double difference)
    {
        double low = Math.Max(0, -difference), high = Math.Min(1, 1 - difference);
        for (int i = 0; i < 100 && high - low > 1e-17; i++)
        {
            double rate = (low + high) / 2;
            if (Slope(control, rate) + Slope(treatment, rate + difference) > 0)
                low = rate;
            else
                high = rate;
        }
        return (low + high) / 2;
    }

    private static double Slope(Proportion group, double rate) =>
        (group.Conversions == 0 ? 0 : group.Conversions / rate) - (group.Conversions == group.N ? 0 : (group.N - group.Conversions) / (1 - rate));
}
