using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>
/// Bounds of a normal estimate that hold at every look: estimate ± multiplier × standard error, a normal mixture (Howard, Ramdas,
/// McAuliffe and Sekhon 2021, equation 14) whose clock t is the conversions counted, since the customers are fixed.
/// </summary>
internal static class AlwaysValid
{
    /// <summary>√(((t + r)/t)·ln((t + r)/(r·α²))) with r = K*/(ln ln(e/α²) − 2 ln α), tightest near t = K*. Clock and K* are positive.</summary>
    public static double Multiplier(double clock, double planned, double confidence)
    {
        _ = Estimate.CriticalValue(confidence);
        double alpha = 1 - confidence, tuning = planned / (Math.Log(1 - 2 * Math.Log(alpha)) - 2 * Math.Log(alpha));
        return Math.Sqrt((clock + tuning) / clock * Math.Log((clock + tuning) / (tuning * alpha * alpha)));
    }

    /// <summary>None below 10 conversions in either arm, where no normal approximation holds.</summary>
    public static LiftAlwaysValid? Of(Estimate estimate, long control, long treatment, double? planned, double confidence)
    {
        if (planned is not { } tuning || estimate is not { Value: { } value, StandardError: { } error })
            return null;
        if (Math.Min(control, treatment) < SequentialCounts.FewestConversions)
            return new LiftAlwaysValid(null, null, null, control + treatment, $"Both arms need {SequentialCounts.FewestConversions} conversions first.");
        double multiplier = Multiplier(control + treatment, tuning, confidence);
        return new LiftAlwaysValid(value - multiplier * error, value + multiplier * error, multiplier, control + treatment, null);
    }
}
