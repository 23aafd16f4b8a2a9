namespace Pimm.Core.Campaigns;

/// <summary>Whether somebody else must approve a campaign before it selects and exports.</summary>
public sealed class ApprovalOptions
{
    public const string Section = "Approval";

    /// <summary>
    /// Waves are planned and lists are written only for a definition that somebody other than its author approved. Default true;
    /// false is for installations of one person: every page says so, and the audit log does at each start.
    /// </summary>
    public bool Required { get; set; } = true;
}
