using MathNet.Numerics;

namespace Pimm.Core.Statistics;

/// <summary>Γ(a + k)/Γ(a), the product a·(a + 1)·…·(a + k − 1) of a whole k.</summary>
internal static class RisingPower
{
    private const double Large = 16;

    /// <summary>ln Γ(a + k)/(Γ(a)·aᵏ), near k²/(2a) for a large a; a &gt; 0, k ≥ 0.</summary>
    public static double LogOverPower(double a, double k)
    {
        if (k == 0)
            return 0;
        // Of a large a both ln Γ have the same leading digits; Stirling's series leaves them out.
        return a < Large
            ? SpecialFunctions.GammaLn(a + k) - SpecialFunctions.GammaLn(a) - k * Math.Log(a)
            : a * LogOnePlusLess(k / a) + (k - 0.5) * NearZero.LogOnePlus(k / a) + Series(a + k) - Series(a);
    }

    /// <summary>ln(1 + x) − x without cancellation near 0.</summary>
    private static double LogOnePlusLess(double x)
    {
        if (x > 0.05)
            return NearZero.LogOnePlus(x) - x;
        double sum = 0, power = -x;
        for (int i = 2; i <= 14; i++)
            sum -= (power *= -x) / i;
        return sum;
    }

    /// <summary>ln Γ(x) − ((x − ½)·ln x − x + ½·ln 2π), to 1e-14 from 16 on.</summary>
    private static double Series(double x)
    {
        double square = 1 / (x * x);
        return (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square / 1680))) / x;
    }
}
