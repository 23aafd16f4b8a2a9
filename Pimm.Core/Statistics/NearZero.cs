namespace Pimm.Core.Statistics;

/// <summary>Functions that keep their digits near zero, where the platform's subtract numbers near 1 (Kahan's corrections).</summary>
internal static class NearZero
{
    /// <summary>ln(1 + x), x above −1.</summary>
    public static double LogOnePlus(double x)
    {
        double rounded = 1 + x;
        return rounded == 1 ? x : Math.Log(rounded) * (x / (rounded - 1));
    }

    /// <summary>eˣ − 1.</summary>
    public static double ExpMinusOne(double x)
    {
        double power = Math.Exp(x);
        if (power == 1)
            return x;
        return power - 1 == -1 || double.IsInfinity(power) ? power - 1 : (power - 1) * (x / Math.Log(power));
    }
}
