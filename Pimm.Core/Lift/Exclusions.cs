using System.Globalization;

namespace Pimm.Core.Lift;

/// <summary>What does not count, and why; a kind that did not occur is not named.</summary>
internal static class Exclusions
{
    public static IReadOnlyList<LiftExclusion> Of(LiftInput input, LiftTally tally)
    {
        var all = new List<LiftExclusion>
        {
            Exclusion("conversions before the impression", tally.Control.ConvertedBeforeWave, tally.Treatment.ConvertedBeforeWave,
                "exported customers converted before their wave began: not counted as conversions of its impressions"),
            Exclusion("conversions after the report", tally.Control.ConvertedAfterReport, tally.Treatment.ConvertedAfterReport,
                "conversions are dated after the time of this report: not counted"),
            Exclusion("labels before the impression", input.LabelsBeforeImpression.Control, input.LabelsBeforeImpression.Treatment,
                "labels of the funnel are dated before their wave began: not counted"),
            Exclusion("labels after the window", input.LabelsAfterWindow.Control, input.LabelsAfterWindow.Treatment,
                "labels of the funnel are dated after their wave's window closed: not counted"),
            Exclusion("customers in both arms", input.InBothArms.Control, input.InBothArms.Treatment,
                "customers are in the other arm of another campaign at the same time, and a plan of each would reach them: left out of every number"),
        };
        if (input.Anomalies is { } anomalies)
        {
            all.Add(Exclusion("delivered, not exported", anomalies.NotExportedControl, anomalies.NotExportedTreatment,
                "deliveries went to customers whom that wave did not export: not counted as delivered"));
            all.Add(Exclusion("delivered, not eligible", anomalies.NotEligible, 0, "deliveries went to customers who have no arm: not counted", ofArms: false));
        }
        return all.Where(exclusion => exclusion.Control + exclusion.Treatment > 0).ToArray();
    }

    private static LiftExclusion Exclusion(string what, long control, long treatment, string sentence, bool ofArms = true) =>
        new(what, control, treatment, string.Create(CultureInfo.InvariantCulture,
            $"{control + treatment:N0}{(ofArms ? $" ({control:N0} control, {treatment:N0} treatment)" : "")} {sentence}."));
}
