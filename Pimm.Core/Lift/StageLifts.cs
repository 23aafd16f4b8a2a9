using Pimm.Core.Statistics;

namespace Pimm.Core.Lift;

/// <summary>Every stage that an exported impression can reach, as a share of the exported, with the relative lift of the treatment's share.</summary>
internal static class StageLifts
{
    public const string CoreConversion = "core conversion by any route";
    public const string Delivered = "delivered";

    /// <summary>Throws <see cref="InputException"/> where more impressions reached a stage than were exported.</summary>
    public static IReadOnlyList<LiftStage> Of(LiftInput input, LiftTally tally)
    {
        var stages = new List<LiftStage>();
        if (input.HasDeliveryReport)
            stages.Add(Stage(Delivered, DeliveredOf(tally.Control), DeliveredOf(tally.Treatment), input.Confidence));
        foreach (FunnelCount count in input.Funnel)
            stages.Add(Stage(count.Stage, Of(count.Stage, tally.Control, count.Control), Of(count.Stage, tally.Treatment, count.Treatment), input.Confidence));
        if (input.HasCustomerOutcomes)
            stages.Add(Stage(CoreConversion, tally.Control.Exported, tally.Treatment.Exported, input.Confidence));
        return stages;
    }

    public static Proportion DeliveredOf(ArmTally arm) => new(arm.ExportedCount, arm.Waves.Sum(wave => wave.Delivered));

    public static Proportion Of(string stage, ArmTally arm, long count) => count <= arm.ExportedCount
        ? new Proportion(arm.ExportedCount, count)
        : throw new InputException($"{count} impressions reached \"{stage}\" and {arm.ExportedCount} were exported: an impression reaches a stage at most once; correct the outcome files.");

    private static LiftStage Stage(string stage, Proportion control, Proportion treatment, double confidence) =>
        new(stage, control.Conversions, treatment.Conversions, control.Rate, treatment.Rate,
            LiftInterval.Of(ProportionComparison.RelativeLift(control, treatment, confidence)));
}
