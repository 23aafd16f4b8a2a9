using Pimm.Core.Lift;
using Pimm.Core.Operating;

namespace Pimm.Web.Home;

/// <summary>What may be said of a campaign's result today.</summary>
/// <param name="Report">null: not measured yet</param>
/// <param name="Missing">while it is too early: how many more conversions are planned for; null where nobody planned</param>
public sealed record Headline(LiftReport? Report, bool TooEarly, long? Missing)
{
    /// <summary>
    /// Windows that are open decide nothing, unless the planned conversions are there: before, an interval that is looked at again and
    /// again says "better" too often.
    /// </summary>
    public static Headline Of(CampaignAtWork campaign)
    {
        if (campaign.Report is null)
        {
            return new Headline(null, TooEarly: true, null);
        }

        var report = LiftReport.FromJson(campaign.Report);
        var had = report.Sequential.ControlConversions + report.Sequential.TreatmentConversions;
        var missing = report.Sequential.PlannedConversions is { } planned ? Math.Max(0, (long)Math.Ceiling(planned) - had) : (long?)null;
        return new Headline(report, !report.Windows.Closed && missing is not 0, missing);
    }
}
