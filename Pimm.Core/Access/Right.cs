namespace Pimm.Core.Access;

/// <summary>What a person may do beyond looking. Which roles hold which right stands in <see cref="Rights"/> and nowhere else.</summary>
public enum Right
{
    /// <summary>Start, cancel and repeat runs.</summary>
    StartWork,

    /// <summary>Make, change, submit and copy campaigns.</summary>
    DefineCampaigns,

    /// <summary>Approve or send back a campaign of somebody else.</summary>
    Approve,

    /// <summary>Pause, resume and stop a campaign; one person is enough.</summary>
    StopCampaigns,

    /// <summary>Promote, reject and roll back model versions.</summary>
    Promote,

    /// <summary>Bring files in and undo imports.</summary>
    Import,

    /// <summary>Download audience lists, which name people.</summary>
    DownloadLists,

    /// <summary>Suppress and erase people, and answer what is known of them.</summary>
    KeepPrivacy,

    /// <summary>Change schedules.</summary>
    Schedule,

    /// <summary>Read the audit log.</summary>
    Audit,

    /// <summary>Users, keys, webhooks, settings, the demo's data.</summary>
    Administer,
}

/// <summary>Which roles hold which right.</summary>
public static class Rights
{
    private static readonly string[] Workers = [Roles.Marketer, Roles.DataScientist, Roles.Administrator];
    private static readonly string[] Marketers = [Roles.Marketer, Roles.Administrator];
    private static readonly string[] Scientists = [Roles.DataScientist, Roles.Administrator];
    private static readonly string[] Administrators = [Roles.Administrator];

    /// <returns>never empty: an administrator holds every right</returns>
    public static IReadOnlyList<string> Holders(Right right) => right switch
    {
        Right.StartWork or Right.Import or Right.StopCampaigns => Workers,
        Right.DefineCampaigns or Right.Approve or Right.DownloadLists => Marketers,
        Right.Promote or Right.Schedule => Scientists,
        Right.KeepPrivacy or Right.Audit or Right.Administer => Administrators,
        _ => throw new ArgumentOutOfRangeException(nameof(right), right, "No role is known for this right."),
    };

    /// <summary>The right in words that follow "may".</summary>
    public static string Words(Right right) => right switch
    {
        Right.StartWork => "start work",
        Right.DefineCampaigns => "define campaigns",
        Right.Approve => "approve campaigns",
        Right.StopCampaigns => "stop campaigns",
        Right.Promote => "promote models",
        Right.Import => "import files",
        Right.DownloadLists => "download lists",
        Right.KeepPrivacy => "suppress or erase people",
        Right.Schedule => "change schedules",
        Right.Audit => "read the audit log",
        Right.Administer => "administer the installation",
        _ => throw new ArgumentOutOfRangeException(nameof(right), right, "No words are known for this right."),
    };
}
