namespace Pimm.Core.Statistics;

/// <summary>Fieller's interval (1954) for the ratio of two independent, roughly normal estimates.</summary>
public static class Fieller
{
    internal const string Method = "fieller";

    /// <summary>
    /// numerator ÷ denominator. With g = z²·SE_d²/d²: g &lt; 1 gives a bounded interval; g ≥ 1 means the denominator
    /// cannot be told from 0: the bounds are −∞ and ∞ and the note says "unbounded". The standard error is the delta method's.
    /// </summary>
    public static Estimate Ratio(Estimate numerator, Estimate denominator, double confidence = 0.95)
    {
        if (numerator.Value is not { } a || denominator.Value is not { } b || numerator.StandardError is not { } sa || denominator.StandardError is not { } sb)
            return Estimate.Unavailable(Method, "One of the two estimates is not available.");
        if (b == 0)
            return Estimate.Unavailable(Method, "The denominator is zero, so the ratio is not defined.");
        double z = Estimate.CriticalValue(confidence), ratio = a / b, g = z * z * sb * sb / (b * b);
        double error = Math.Sqrt(sa * sa + ratio * ratio * sb * sb) / Math.Abs(b);
        if (g >= 1)
            return new Estimate(ratio, error, double.NegativeInfinity, double.PositiveInfinity, Method, "unbounded: the denominator cannot be told from zero");
        double half = z / Math.Abs(b) * Math.Sqrt(ratio * ratio * sb * sb + (1 - g) * sa * sa);
        return new Estimate(ratio, error, (ratio - half) / (1 - g), (ratio + half) / (1 - g), Method);
    }
}
