using MathNet.Numerics.Distributions;

namespace Pimm.Core.Statistics;

/// <summary>
/// One arm of a comparison of means: customers, mean and variance of one customer's value. A proportion's variance is p(1−p)
/// (n below it), a mean's has n − 1 below it, a ratio's is that of its linearised values (<see cref="RatioMoments"/>).
/// </summary>
public readonly record struct SampleMean(long N, double Mean, double Variance)
{
    /// <summary>Variance of the mean: Variance ÷ N.</summary>
    public double Squared => Variance / N;

    /// <summary>
    /// Welch's and Satterthwaite's degrees of freedom (1947) of a difference of two arms, between the smaller n − 1 and the sum of
    /// both; each arm has at least two customers. Infinite where neither varies.
    /// </summary>
    public static double Degrees(SampleMean first, SampleMean second)
    {
        double sum = first.Squared + second.Squared;
        if (sum == 0)
            return double.PositiveInfinity;
        // As shares, since the squares of variances leave the doubles in small and large units.
        double a = first.Squared / sum, b = second.Squared / sum;
        return 1 / (a * a / (first.N - 1) + b * b / (second.N - 1));
    }
}

/// <summary>An estimate whose pivot is Student's t with these degrees of freedom (above ten million: normal); null parts where there is no test.</summary>
public sealed record TestedEstimate(Estimate Estimate, double? Statistic, double Degrees)
{
    /// <summary>Above so many degrees of freedom the normal stands for Student's t: its quantiles are 1e-7 apart there, and the library's t loses digits.</summary>
    internal const double NormalAbove = 1e7;

    /// <summary>An estimate without interval and test.</summary>
    public static TestedEstimate Untested(Estimate estimate) => new(estimate, null, double.PositiveInfinity);

    /// <summary>Value ± t·standard error, tested against 0. Without variance there is neither interval nor test, and the note says so.</summary>
    public static TestedEstimate Student(double value, double standardError, double degrees, double confidence, string method)
    {
        double critical = CriticalValue(confidence, degrees);
        if (standardError == 0)
            return Untested(new Estimate(value, 0, null, null, method, "The standard error is zero, so there is no interval and no test."));
        return new(new Estimate(value, standardError, value - critical * standardError, value + critical * standardError, method), value / standardError, degrees);
    }

    /// <summary>p against no effect, null where there is no test.</summary>
    public double? PValue(ConfidenceLevel level) => Statistic is { } t ? level.PValue(t, Degrees) : null;

    private static double CriticalValue(double confidence, double degrees)
    {
        double normal = Estimate.CriticalValue(confidence);
        return degrees > NormalAbove ? normal : StudentT.InvCDF(0, 1, degrees, 0.5 + confidence / 2);
    }
}
