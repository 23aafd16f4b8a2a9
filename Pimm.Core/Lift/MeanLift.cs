using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>The relative lift of a mean as the report gives it: the delta method, or Fieller's interval where the control's mean is weak.</summary>
internal static class MeanLift
{
    /// <summary>Above this share z²·SE²/mean² of the control's mean, the delta method is no longer near Fieller's interval (Finney 1964).</summary>
    private const double WeakDenominator = 0.05;

    public static Estimate Of(SampleMean control, SampleMean treatment, double confidence)
    {
        double z = Estimate.CriticalValue(confidence);
        return control.Mean != 0 && z * z * control.Squared / (control.Mean * control.Mean) > WeakDenominator
            ? MeanComparison.FiellerLift(control, treatment, confidence).Estimate
            : MeanComparison.DeltaLift(control, treatment, confidence).Estimate;
    }

    /// <summary>The same of adjusted means; customers: of each arm, all of them.</summary>
    public static Estimate Of(AdjustedMeans means, long controls, long treatments, double confidence) => Of(
        new SampleMean(controls, means.Control, means.ControlError * means.ControlError * controls),
        new SampleMean(treatments, means.Treatment, means.TreatmentError * means.TreatmentError * treatments), confidence) with { Method = RegressionAdjustment.Method };
}
