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

    /// <summary>
    /// The normal statistic at which Newcombe's interval reaches zero: its two-sided p is below 1 − confidence exactly where the
    /// interval of that confidence leaves out zero. 0 without a difference; null with an empty group.
    /// </summary>
    public static double? NewcombeStatistic(Proportion control, Proportion treatment)
    {
        if (control.Rate is not { } pc || treatment.Rate is not { } pt)
            return null;
        if (pt < pc)
            return -NewcombeStatistic(treatment, control);
        // Beyond 39 a normal tail is no longer a double.
        double inside = 0, outside = 39;
        for (int i = 0; i < 100 && pt > pc; i++)
        {
            double z = (inside + outside) / 2;
            double lowest = Proportion.WilsonBounds(pt, treatment.N, z).Lower, highest = Proportion.WilsonBounds(pc, control.N, z).Upper;
            if (pt - pc > Length(pt - lowest, highest - pc))
                inside = z;
            else
                outside = z;
        }
        return inside;
    }

    /// <summary>p_T − p_C ± z·√(p_T(1−p_T)/n_T + p_C(1−p_C)/n_C).</summary>
    public static TestedEstimate Wald(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        const string method = "wald";
        if (control.Sample is not { } c || treatment.Sample is not { } t)
            return TestedEstimate.Untested(Estimate.Unavailable(method, "One of the groups is empty."));
        return TestedEstimate.Student(t.Mean - c.Mean, Math.Sqrt(t.Squared + c.Squared), double.PositiveInfinity, confidence, method);
    }

    /// <summary>
    /// p_T − p_C with Agresti and Caffo's interval (2000): Wald's after adding one conversion and one miss to each group. The estimate
    /// is the observed difference; interval and error are those of the added-to counts.
    /// </summary>
    public static TestedEstimate AgrestiCaffo(Proportion control, Proportion treatment, double confidence = 0.95)
    {
        const string method = "agresti-caffo";
        if (control.N == 0 || treatment.N == 0)
            return TestedEstimate.Untested(Estimate.Unavailable(method, "One of the groups is empty."));
        static Proportion More(Proportion group) => new(group.N + 2, group.Conversions + 1);
        TestedEstimate shifted = Wald(More(control), More(treatment), confidence);
        return shifted with { Estimate = shifted.Estimate with { Value = treatment.Rate - control.Rate, Method = method } };
    }

    /// <summary>The relative lift as the report gives it: log risk ratio, or Koopman's interval below <see cref="FewConversions"/> in either group.</summary>
    public static Estimate RelativeLift(Proportion control, Proportion treatment, double confidence = 0.95) =>
        Math.Min(control.Conversions, treatment.Conversions) < FewConversions
            ? Koopman.Lift(control, treatment, confidence)
            : LogRiskRatio.Lift(control, treatment, confidence).Estimate;

    private static double Length(double a, double b) => Math.Sqrt(a * a + b * b);
}
