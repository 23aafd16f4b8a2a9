using System.Text.Json.Serialization;
using Pimm.Core;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>Answers that may be looked at every day.</summary>
public static class SequentialFunctions
{
    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("sequential", "always-valid bounds of an effect, the clock being customers; scale log-risk-ratio (default for proportions), relative (default for means and ratios), absolute; or of n, estimate and standardError on that scale (default absolute; of log-risk-ratio ln RR and its error), answered on it, ln RR as the relative lift",
            """{"control":{"n":50000,"conversions":420},"treatment":{"n":50100,"conversions":505},"plannedTotal":120000}""",
            [.. StatsArms.Names, "n", "estimate", "standardError", "plannedTotal", "scale"], StatsArms.RatioFields, Bounds),
        new("sequential-counts", "evidence and always-valid bounds of the relative lift in a fixed population, the clock being conversions",
            """{"control":{"n":100000,"conversions":300},"treatment":{"n":100000,"conversions":420},"plannedConversions":800}""",
            [.. StatsArms.Names, "plannedConversions"], StatsArms.ProportionFields, Counts),
    ];

    private static SequentialAnswer Bounds(StatsInput input)
    {
        var planned = input.Number("plannedTotal");
        return SequentialAnswer.Of(input.Has("control") || input.Has("treatment") ? OfArms(input, planned) : OfSummary(input, planned));
    }

    private static SequentialEstimate OfArms(StatsInput input, double planned)
    {
        var (arms, level) = (StatsArms.Of(input), input.Level);
        var scale = arms.Kind == ArmKind.Proportion
            ? input.Choice("scale", "log-risk-ratio", "relative", "absolute")
            : input.Choice("scale", "relative", "absolute");
        if (scale == "log-risk-ratio")
        {
            var (control, treatment) = StatsArms.Proportions(input);
            return SequentialEstimate.OfRatio(LogRiskRatio.Lift(control, treatment).Estimate, (double)control.N + treatment.N, planned, level);
        }
        var (controlMean, treatmentMean) = arms.Samples();
        var effect = scale == "relative" ? MeanComparison.DeltaLift(controlMean, treatmentMean) : MeanComparison.Welch(controlMean, treatmentMean);
        var clock = (double)controlMean.N + treatmentMean.N;
        return arms.Kind == ArmKind.Proportion
            ? SequentialEstimate.Of(effect.Estimate, clock, planned, level, -1, scale == "relative" ? double.PositiveInfinity : 1)
            : SequentialEstimate.Of(effect.Estimate, clock, planned, level);
    }

    /// <summary>An estimate computed elsewhere with its standard error, both on the scale it names.</summary>
    private static SequentialEstimate OfSummary(StatsInput input, double planned)
    {
        var (n, value, error, level) = (input.Whole("n", 1), input.Number("estimate"), input.Number("standardError"), input.Level);
        if (error < 0)
            throw new InputException(FormattableString.Invariant($"standardError is {error}; give 0 or more."));
        return input.Choice("scale", "absolute", "relative", "log-risk-ratio") == "log-risk-ratio"
            ? SequentialEstimate.OfLogRatio(value, error, n, planned, level)
            : SequentialEstimate.Of(new Estimate(value, error, null, null, "given"), n, planned, level);
    }

    private static CountsAnswer Counts(StatsInput input)
    {
        var ((control, treatment), level) = (StatsArms.Proportions(input), input.Level);
        var look = SequentialCounts.Look(control, treatment, input.Number("plannedConversions"), level.Confidence);
        double? lift = control.Conversions == 0 ? null : treatment.Rate / control.Rate - 1;
        if (level.Alternative == Alternative.TwoSided || look.PValue is null)
            return new(lift, look.EValue, look.Lower, look.Upper, look.PValue, look.Note);
        var greater = level.Alternative == Alternative.Greater;
        return new(lift, look.EValue, greater ? look.Lower : -1, greater ? double.PositiveInfinity : look.Upper,
            greater == lift > 0 ? look.PValue : 1, "One-sided answers are read off the two-sided evidence, which makes them cautious.");
    }

    private sealed record SequentialAnswer(
        double? Estimate, double? StandardError, double? Lower, double? Upper, double? P, double? Multiplier,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note)
    {
        public static SequentialAnswer Of(SequentialEstimate look) => new(
            look.Estimate.Value, look.Estimate.StandardError, look.Estimate.Lower, look.Estimate.Upper, look.PValue, look.Multiplier, look.Estimate.Note);
    }

    private sealed record CountsAnswer(
        double? Estimate, double? EValue, double? Lower, double? Upper, double? P,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);
}
