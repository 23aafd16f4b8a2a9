using MathNet.Numerics.Distributions;
using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>How much larger the treatment's mean is than the control's, relative to the size of the control's: the sign is right where means are negative.</summary>
internal static class MeanLift
{
    /// <summary>Above this share z²·SE²/mean² of the control's mean, the delta method is no longer near Fieller's interval (Finney 1964).</summary>
    private const double WeakDenominator = 0.05;

    /// <summary>
    /// (m_T − m_C)/|m_C|. Delta: Var = s²_T/(n_T·m²_C) + m²_T·s²_C/(n_C·m⁴_C) and Student's interval with Welch's degrees of
    /// freedom; Fieller's where the control's mean is weak. Null without two customers in each arm or with a mean of zero.
    /// </summary>
    public static Estimate Of(Moments control, Moments treatment, double confidence)
    {
        if (control is not { Mean: { } c, Variance: { } vc } || treatment is not { Mean: { } t, Variance: { } vt })
            return Estimate.Unavailable("delta", "Each arm needs at least two customers.");
        return Of(c, Math.Sqrt(vc / control.N), t, Math.Sqrt(vt / treatment.N), confidence, Degrees(vc, control.N, vt, treatment.N));
    }

    /// <summary>The same of two estimated means; degrees null: normal.</summary>
    public static Estimate Of(double control, double controlError, double treatment, double treatmentError, double confidence, double? degrees = null)
    {
        if (control == 0)
            return Estimate.Unavailable("delta", "The control's mean is zero, so the relative lift is not defined.");
        double z = Estimate.CriticalValue(confidence), weak = z * z * controlError * controlError / (control * control);
        if (weak > WeakDenominator)
            return Weak(control, controlError, treatment, treatmentError, confidence);
        double value = (treatment - control) / Math.Abs(control);
        double error = Math.Sqrt(treatmentError * treatmentError + treatment * treatment * controlError * controlError / (control * control)) / Math.Abs(control);
        if (error == 0)
            return new Estimate(value, 0, value, value, "delta", "No value varies within either arm.");
        double half = error * (degrees is { } d ? StudentT.InvCDF(0, 1, d, 0.5 + confidence / 2) : z);
        return new Estimate(value, error, value - half, value + half, "delta");
    }

    private static Estimate Weak(double control, double controlError, double treatment, double treatmentError, double confidence)
    {
        Estimate ratio = Fieller.Ratio(
            new Estimate(treatment, treatmentError, null, null, ""), new Estimate(control, controlError, null, null, ""), confidence);
        double sign = Math.Sign(control);
        double first = sign * (ratio.Lower!.Value - 1), second = sign * (ratio.Upper!.Value - 1);
        return ratio with { Value = sign * (ratio.Value - 1), Lower = Math.Min(first, second), Upper = Math.Max(first, second) };
    }

    private static double? Degrees(double vc, long nc, double vt, long nt)
    {
        double c = vc / nc, t = vt / nt;
        return c + t == 0 ? null : (c + t) * (c + t) / (c * c / (nc - 1) + t * t / (nt - 1));
    }
}
