using System.Globalization;
using Pimm.Core.Campaigns;

namespace Pimm.Core.Approving;

/// <summary>What a careful person would ask before approving, answered by numbers. Pure.</summary>
internal static class ApprovalChecks
{
    /// <summary>Standardised difference above which arms are commonly called unlike (Austin 2009).</summary>
    private const double UnlikeArms = 0.1;

    public static IReadOnlyList<SeenCheck> Of(Campaign campaign, ApprovalEvidence seen, bool otherDefinition, (int? Control, int? Treatment) champions, DateOnly today) =>
    [
        Models(seen, champions), Eligible(seen, otherDefinition), Quota(campaign, seen), Overlap(seen), Detectable(campaign, seen), HoldBack(campaign), Consent(campaign), Days(campaign, today),
        .. seen.Balance is null ? Array.Empty<SeenCheck>() : [Balance(seen.Balance)],
    ];

    private static SeenCheck Models(ApprovalEvidence seen, (int? Control, int? Treatment) champions)
    {
        const string name = "Models";
        if (champions.Control is null || champions.Treatment is null)
            return new(name, SeenCheck.Red, $"{(champions.Control is null ? seen.Control.Line : seen.Treatment.Line)} has no version that could rank: train it first.");
        return seen.Scores is not null && (champions.Control != seen.Control.Version || champions.Treatment != seen.Treatment.Version)
            ? new(name, SeenCheck.Amber, Text($"Scores are those of versions {seen.Control.Version} and {seen.Treatment.Version}; promoted since are {champions.Control} and {champions.Treatment}: score again to use them."))
            : new(name, SeenCheck.Green, Text($"{seen.Control.Line} {seen.Control.Version} against {seen.Treatment.Line} {seen.Treatment.Version}."));
    }

    private static SeenCheck Eligible(ApprovalEvidence seen, bool otherDefinition) => seen.Eligible switch
    {
        null when otherDefinition => new("Eligible customers", SeenCheck.Amber, "The scores are of another definition: score again, and the counts are of this one."),
        null => new("Eligible customers", SeenCheck.Amber, "Not scored yet: who is eligible, and what both models choose, is known after that."),
        0 => new("Eligible customers", SeenCheck.Red, "Nobody is eligible: the funnel shows at which step they are lost."),
        { } eligible => new("Eligible customers", SeenCheck.Green, Text($"{eligible:N0} of {seen.Funnel[0].Customers:N0} customers are eligible.")),
    };

    private static SeenCheck Quota(Campaign campaign, ApprovalEvidence seen)
    {
        const string name = "Quota";
        var wanted = (long)campaign.ImpressionsPerDay * campaign.Days;
        if (seen.Eligible is not { } eligible)
            return new(name, SeenCheck.Amber, Text($"{wanted:N0} impressions in each arm; whether there are as many customers is known after scoring."));
        var reachable = (long)(eligible / 2 * (1 - campaign.HoldbackShare));
        return reachable >= wanted
            ? new(name, SeenCheck.Green, Text($"{wanted:N0} impressions in each arm, of {reachable:N0} customers who can be reached once."))
            : new(name, SeenCheck.Amber, Text($"{wanted:N0} impressions in each arm, but only {reachable:N0} customers can be reached, once each: the last waves stay below their quota."));
    }

    private static SeenCheck Overlap(ApprovalEvidence seen) => seen.Overlap switch
    {
        null => new("Overlap", SeenCheck.Amber, "Known after scoring."),
        > 0.95 => new("Overlap", SeenCheck.Amber, Text($"Both models choose {seen.Overlap:P0} the same customers: there is little to compare.")),
        { } overlap => new("Overlap", SeenCheck.Green, Text($"Both models choose {overlap:P0} the same customers on the first day.")),
    };

    private static SeenCheck Detectable(Campaign campaign, ApprovalEvidence seen) => seen.DetectableExtra switch
    {
        null when campaign.PlannedConversions is null => new("Detectable difference", SeenCheck.Amber, "The campaign does not say how many core conversions it expects (plannedConversions), so nobody can say what it will be able to show."),
        null => new("Detectable difference", SeenCheck.Amber, "Known after scoring."),
        { } extra => new("Detectable difference", SeenCheck.Green, Text($"{extra:0.0} extra core conversions per 1,000 impressions, a relative lift of {seen.DetectableLift:P1}, are found with a probability of 80 %.")),
    };

    private static SeenCheck HoldBack(Campaign campaign) => campaign.HoldbackShare > 0
        ? new("Hold-back", SeenCheck.Green, Text($"{campaign.HoldbackShare:P0} are held back: each arm's own increment can be measured."))
        : new("Hold-back", SeenCheck.Amber, "Nobody is held back: what the advertising itself is worth stays unknown.");

    private static SeenCheck Consent(Campaign campaign) => campaign.ConsentPurpose is { } purpose
        ? new("Consent", SeenCheck.Green, $"Only customers who consented to \"{purpose}\" are listed.")
        : new("Consent", SeenCheck.Amber, "No consent is asked for: customers are listed unless they objected.");

    private static SeenCheck Days(Campaign campaign, DateOnly today)
    {
        var last = campaign.StartsOn.AddDays(campaign.Days - 1);
        return today <= campaign.StartsOn
            ? new("Days", SeenCheck.Green, Text($"{campaign.StartsOn:yyyy-MM-dd} to {last:yyyy-MM-dd}, {campaign.TimeZone}."))
            : today <= last
                ? new("Days", SeenCheck.Amber, Text($"It began on {campaign.StartsOn:yyyy-MM-dd}: days before today without a wave stay missing in both arms."))
                : new("Days", SeenCheck.Red, Text($"Its last day was {last:yyyy-MM-dd}: choose other days."));
    }

    private static SeenCheck Balance(SeenBalance balance) => balance.Largest is { } largest && Math.Abs(largest) >= UnlikeArms
        ? new("Balance", SeenCheck.Amber, Text($"{balance.Of} differs by {largest:0.00} standard deviations between the arms."))
        : new("Balance", SeenCheck.Green, Text($"{balance.Control:N0} and {balance.Treatment:N0} customers, no attribute differs by {UnlikeArms} standard deviations."));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.GetCultureInfo("en-US"));
}
