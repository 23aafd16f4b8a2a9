namespace Pimm.Core.Statistics;

/// <summary>
/// The state of a sequential comparison of counts: evidence against equal rates, valid at every look.
/// PValue is 1/E of this look, at most 1; Reject is E ≥ 1/α. Lower and Upper bound the relative lift.
/// </summary>
public sealed record SequentialResult(double? EValue, double? PValue, double? Lower, double? Upper, bool? Reject, string? Note);

/// <summary>
/// A confidence sequence whose clock is conversions: given the total of conversions among fixed, eligible customers, the
/// treatment's share of them is binomial with π = n_T·θ/(n_T·θ + n_C), θ the risk ratio; a Beta(a, a) mixture with
/// a = K*/8, K* the planned conversions (design/campaign.md, step 7).
/// </summary>
public static class SequentialCounts
{
    public const int FewestConversions = 10;

    /// <summary>
    /// K* where none was planned. Any number that is fixed beforehand gives valid bounds; it only tunes at which count of
    /// conversions they are narrowest.
    /// </summary>
    public const double DefaultPlannedConversions = 400;

    /// <summary>Counts so far in both arms. Null parts until both have <see cref="FewestConversions"/>.</summary>
    public static SequentialResult Look(Proportion control, Proportion treatment, double plannedConversions, double confidence = 0.95)
    {
        if (!(plannedConversions > 0) || double.IsInfinity(plannedConversions))
            throw new InputException($"{plannedConversions} planned conversions are not possible; give a positive number.");
        _ = Estimate.CriticalValue(confidence);
        if (Math.Min(control.Conversions, treatment.Conversions) < FewestConversions)
            return new SequentialResult(null, null, null, null, null, $"Both arms need {FewestConversions} conversions first.");
        double a = plannedConversions / 8, bound = -Math.Log(1 - confidence);
        double logE = LogEValue(control, treatment, a, 0);
        double centre = Math.Log(treatment.Rate!.Value / control.Rate!.Value);
        double lower = Crossing(ratio => LogEValue(control, treatment, a, ratio), centre, -1, bound);
        double upper = Crossing(ratio => LogEValue(control, treatment, a, ratio), centre, 1, bound);
        return new SequentialResult(Math.Exp(Math.Min(logE, 700)), Math.Min(1, Math.Exp(-logE)), Math.Exp(lower) - 1, Math.Exp(upper) - 1, logE >= bound, null);
    }

    /// <summary>ln E for H₀: ln θ = logRatio; E = B(a+k_T, a+k_C)/B(a, a)·π^(−k_T)·(1−π)^(−k_C).</summary>
    public static double LogEValue(Proportion control, Proportion treatment, double a, double logRatio)
    {
        double odds = Math.Log((double)treatment.N / control.N) + logRatio;
        // ln 2π and ln 2(1 − π): against a share of one half, which is where a large a puts the evidence.
        double twiceShare = Math.Log(2) - Math.Log(1 + Math.Exp(-odds)), twiceRest = Math.Log(2) - Math.Log(1 + Math.Exp(odds));
        double all = (double)treatment.Conversions + control.Conversions;
        return RisingPower.LogOverPower(a, treatment.Conversions) + RisingPower.LogOverPower(a, control.Conversions) - RisingPower.LogOverPower(2 * a, all)
            - treatment.Conversions * twiceShare - control.Conversions * twiceRest;
    }

    private static double Crossing(Func<double, double> logE, double inside, double step, double bound)
    {
        double outside = inside + step;
        for (int i = 0; i < 60 && logE(outside) < bound; i++)
            (inside, outside) = (outside, outside + step);
        for (int i = 0; i < 100 && Math.Abs(outside - inside) > 1e-13; i++)
        {
            double middle = (inside + outside) / 2;
            if (logE(middle) < bound)
                inside = middle;
            else
                outside = middle;
        }
        return (inside + outside) / 2;
    }
}
