namespace Pimm.Web.Campaigns;

/// <summary>A tab of a campaign's page; its address is part of the page's.</summary>
/// <param name="Address">empty for the first, which is the page itself</param>
/// <param name="Stages">whose panels stand on it</param>
public sealed record CampaignTab(string Address, string Name, params string[] Stages)
{
    public static readonly CampaignTab Overview = new("", "Overview");
    public static readonly CampaignTab Audience = new("audience", "Audience", "Importing", "Scoring");
    public static readonly CampaignTab Split = new("split", "Split & balance", "Allocating");
    public static readonly CampaignTab Waves = new("waves", "Waves & lists", "Exporting", "Outcomes");
    public static readonly CampaignTab Results = new("results", "Results", "Lift");
    public static readonly CampaignTab Versions = new("versions", "Versions", "Training");
    public static readonly CampaignTab Activity = new("activity", "Activity");

    public static IReadOnlyList<CampaignTab> All { get; } = [Overview, Audience, Split, Waves, Results, Versions, Activity];

    /// <summary>Null for an address that is none; "lift" is what the results were called before.</summary>
    public static CampaignTab? Of(string? address) => address == "lift" ? Results : All.FirstOrDefault(tab => tab.Address == (address ?? ""));

    public string Href(long campaign) => Address.Length == 0 ? $"/campaigns/{campaign}" : $"/campaigns/{campaign}/{Address}";

    /// <summary>Where a stage's panel is.</summary>
    public static string HrefOf(string stage, long campaign) => $"{All.First(tab => tab.Stages.Contains(stage)).Href(campaign)}#{stage.ToLowerInvariant()}";
}
