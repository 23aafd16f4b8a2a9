using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>Bounds of a normal estimate that hold at every look: a normal mixture whose clock is the conversions counted, since the customers are fixed.</summary>
internal static class AlwaysValid
{
    /// <summary>Null without an estimate; no bounds below 10 conversions in either arm, where no normal approximation holds.</summary>
    public static LiftAlwaysValid? Of(Estimate estimate, long control, long treatment, double? planned, double confidence)
    {
        if (estimate is not { Value: { } value, StandardError: { } error })
            return null;
        if (Math.Min(control, treatment) < SequentialCounts.FewestConversions)
            return new LiftAlwaysValid(null, null, null, control + treatment, $"Both arms need {SequentialCounts.FewestConversions} conversions first.");
        double multiplier = new NormalMixture(planned ?? SequentialCounts.DefaultPlannedConversions, 1 - confidence).Multiplier(control + treatment);
        return new LiftAlwaysValid(value - multiplier * error, value + multiplier * error, multiplier, control + treatment, null);
    }
}
