using MathNet.Numerics;

namespace Pimm.Core.Statistics;

/// <summary>Logarithms of numbers of ways.</summary>
internal static class LogFactorials
{
    /// <summary>ln n!/(k!(n−k)!), the same number for k and n − k.</summary>
    public static double Choose(long n, long k) => SpecialFunctions.GammaLn(n + 1.0) - (SpecialFunctions.GammaLn(k + 1.0) + SpecialFunctions.GammaLn(n - k + 1.0));
}
