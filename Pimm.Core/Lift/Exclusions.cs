using static Pimm.Core.Lift.LiftSentences;

namespace Pimm.Core.Lift;

/// <summary>What does not count, and why; a kind that did not occur is not named.</summary>
internal static class Exclusions
{
    public static IReadOnlyList<LiftExclusion> Of(LiftInput input, LiftTally tally)
    {
        var all = new List<LiftExclusion>
        {
            Exclusion("conversions before the impression", tally.Control.ConvertedBeforeWave, tally.Treatment.ConvertedBeforeWave,
                LeftBeforeImpression),
            Exclusion("conversions after the report", tally.Control.ConvertedAfterReport, tally.Treatment.ConvertedAfterReport,
                LeftAfterReport),
            Exclusion("labels before the impression", input.LabelsBeforeImpression.Control, input.LabelsBeforeImpression.Treatment,
                LeftEarlyLabels),
            Exclusion("labels after the window", input.LabelsAfterWindow.Control, input.LabelsAfterWindow.Treatment,
                LeftLateLabels),
            Exclusion("customers in both arms", input.InBothArms.Control, input.InBothArms.Treatment,
                LeftBothArms),
        };
        if (input.Anomalies is { } anomalies)
        {
            all.Add(Exclusion("delivered, not exported", anomalies.NotExportedControl, anomalies.NotExportedTreatment,
                LeftNotExported));
            all.Add(new("delivered, not eligible", anomalies.NotEligible, 0, Say(LeftNotEligible, anomalies.NotEligible)));
        }
        return all.Where(exclusion => exclusion.Control + exclusion.Treatment > 0).ToArray();
    }

    private static LiftExclusion Exclusion(string what, long control, long treatment, string sentence) =>
        new(what, control, treatment, Say(Left, control + treatment, control, treatment, sentence));
}
