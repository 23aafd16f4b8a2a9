using MathNet.Numerics;
using MathNet.Numerics.Distributions;

namespace Pimm.Core.Statistics;

/// <summary>Quantiles of Student's t.</summary>
internal static class StudentQuantile
{
    /// <summary>The value below which a share of Student's t with these degrees of freedom (any positive number) lies.</summary>
    public static double Of(double degrees, double share) => StudentT.InvCDF(0, 1, degrees, share);
}
