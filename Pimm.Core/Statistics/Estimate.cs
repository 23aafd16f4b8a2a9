namespace Pimm.Core.Statistics;

/// <summary>
/// A number with its uncertainty. Lower and Upper bound the confidence interval and may be infinite; a part that is not
/// defined is null and Note says why. Never NaN. Method names how it was computed.
/// </summary>
public sealed record Estimate(double? Value, double? StandardError, double? Lower, double? Upper, string Method, string? Note = null)
{
    public static Estimate Unavailable(string method, string note) => new(null, null, null, null, method, note);

    /// <summary>Value ± z·standard error.</summary>
    public static Estimate Normal(double value, double standardError, double confidence, string method, string? note = null)
    {
        double half = CriticalValue(confidence) * standardError;
        return new Estimate(value, standardError, value - half, value + half, method, note);
    }

    /// <summary>The same estimate in another unit; the factor is positive.</summary>
    public Estimate Scaled(double factor) => this with
    {
        Value = Value * factor, StandardError = StandardError * factor, Lower = Lower * factor, Upper = Upper * factor,
    };

    /// <summary>Whether the interval leaves out zero: null where there is no interval.</summary>
    public bool? Excludes(double value) => Lower is null || Upper is null ? null : Lower > value || Upper < value;

    /// <summary>The two-sided normal critical value: 1.96 at confidence .95. The confidence lies strictly between 0 and 1.</summary>
    public static double CriticalValue(double confidence)
    {
        if (!(confidence > 0 && confidence < 1))
            throw new InputException(FormattableString.Invariant($"Confidence {confidence} is outside (0, 1); give a fraction, for example 0.95 for 95 %."));
        return MathNet.Numerics.Distributions.Normal.InvCDF(0, 1, 0.5 + confidence / 2);
    }

    /// <summary>Two-sided p of a normal statistic.</summary>
    public static double PValue(double z) => 2 * MathNet.Numerics.Distributions.Normal.CDF(0, 1, -Math.Abs(z));

    /// <summary>Upper tail of χ² with the given degrees of freedom.</summary>
    public static double ChiSquareTail(double statistic, int degrees) =>
        statistic <= 0 ? 1 : double.IsPositiveInfinity(statistic) ? 0 : MathNet.Numerics.SpecialFunctions.GammaUpperRegularized(degrees / 2.0, statistic / 2);
}
