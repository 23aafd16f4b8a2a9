using MathNet.Numerics.Distributions;

namespace Pimm.Core.Statistics;

/// <summary>Number, sum and sum of squares of a group's values; the variance has n − 1 below it.</summary>
public readonly record struct Moments(long N, double Sum, double SumSquares)
{
    public Moments Plus(double value) => new(N + 1, Sum + value, SumSquares + value * value);

    public double? Mean => N == 0 ? null : Sum / N;

    public double? Variance => N < 2 ? null : Math.Max(0, (SumSquares - Sum * Sum / N) / (N - 1));

    /// <summary>Mean of the treatment − mean of the control, Welch's standard error and Student's interval with his degrees of freedom.</summary>
    public static Estimate Welch(Moments control, Moments treatment, double confidence = 0.95)
    {
        const string method = "welch";
        if (control.Variance is not { } vc || treatment.Variance is not { } vt)
            return Estimate.Unavailable(method, "Each group needs at least two customers.");
        double c = vc / control.N, t = vt / treatment.N, difference = treatment.Mean!.Value - control.Mean!.Value;
        double error = Math.Sqrt(c + t);
        if (error == 0)
            return new Estimate(difference, 0, difference, difference, method, "No value varies within either group.");
        double degrees = (c + t) * (c + t) / (c * c / (control.N - 1) + t * t / (treatment.N - 1));
        _ = Estimate.CriticalValue(confidence);
        double half = StudentT.InvCDF(0, 1, degrees, 0.5 + confidence / 2) * error;
        return new Estimate(difference, error, difference - half, difference + half, method);
    }
}
