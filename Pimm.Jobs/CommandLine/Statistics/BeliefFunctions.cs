using System.Text.Json.Serialization;
using Pimm.Core;
using Pimm.Core.Statistics;

namespace Pimm.Jobs.CommandLine.Statistics;

/// <summary>What impressions brought, and how likely the treatment is the better one.</summary>
public static class BeliefFunctions
{
    private static readonly string[] WaveFields = ["exported", "heldBack", "delivered", "holdBackShare"];

    public static readonly IReadOnlyList<StatsFunction> All =
    [
        new("increment", "conversions brought per 1,000 delivered impressions, exported against held back of the same wave; of one wave or of waves[]",
            """{"waves":[{"exported":{"n":2000,"conversions":60},"heldBack":{"n":222,"conversions":4},"delivered":1600,"holdBackShare":0.1}]}""",
            ["waves", .. WaveFields], [.. WaveFields, .. StatsArms.ProportionFields], PerThousand),
        new("posterior", "normal posterior of the relative lift, the chance that the treatment is better, and risk: the expected loss of choosing [control, treatment]",
            """{"control":{"n":10000,"conversions":200},"treatment":{"n":12000,"conversions":276},"prior":{"mean":0,"variance":0.09}}""",
            [.. StatsArms.Names, "prior"], [.. StatsArms.RatioFields, "mean", "variance"], Posterior),
    ];

    private static IncrementAnswer PerThousand(StatsInput input)
    {
        var level = input.Level;
        IncrementWave[] waves = input.Has("waves") ? [.. input.Objects("waves").Select(wave => Wave(wave, input))] : [Wave(input, input)];
        if (waves.Length == 0)
            throw new InputException("There are no waves; give at least one with exported and heldBack.");
        var estimate = waves.Length == 1 ? Increment.OfWave(waves[0], level.Interval) : Increment.Pooled(waves, level.Interval);
        var bounds = level.Bounds(estimate);
        return new(bounds.Value, bounds.StandardError, bounds.Lower, bounds.Upper, bounds.Note);
    }

    private static IncrementWave Wave(StatsInput wave, StatsInput whole)
    {
        var (exported, heldBack, delivered) = (StatsArms.Proportion(wave.Object("exported")), StatsArms.Proportion(wave.Object("heldBack")), wave.OptionalWhole("delivered"));
        if (delivered > exported.N)
            throw new InputException($"{wave.Where("delivered")} is {delivered}, {wave.Where("exported")} {exported.N}: only exported impressions are delivered; give at most as many.");
        var share = wave.OptionalNumber("holdBackShare") ?? whole.OptionalNumber("holdBackShare");
        return wave.Checked(() => new IncrementWave(exported, heldBack, delivered, share));
    }

    private static PosteriorAnswer Posterior(StatsInput input)
    {
        var level = input.Level;
        var (control, treatment) = StatsArms.Of(input).Samples();
        var prior = input.Has("prior") ? Prior(input.Object("prior")) : null;
        var posterior = LiftPosterior.Of(MeanComparison.DeltaLift(control, treatment).Estimate, prior, level.Interval);
        var bounds = level.Bounds(posterior.Estimate);
        return new(bounds.Value, bounds.StandardError, bounds.Lower, bounds.Upper, posterior.ChanceToWin,
            posterior.ControlRisk is null ? null : [posterior.ControlRisk, posterior.TreatmentRisk], bounds.Note);
    }

    private static LiftPrior Prior(StatsInput prior)
    {
        var (mean, variance) = (prior.Number("mean"), prior.Number("variance"));
        return prior.Checked(() => new LiftPrior(mean, variance));
    }

    private sealed record IncrementAnswer(
        double? PerThousand, double? StandardError, double? Lower, double? Upper,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);

    private sealed record PosteriorAnswer(
        double? Estimate, double? StandardError, double? Lower, double? Upper, double? ChanceToWin, IReadOnlyList<double?>? Risk,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);
}
