namespace Pimm.Core.Campaigns;

/// <summary>Where a campaign stands in its life, as the view campaign_life computes it.</summary>
public static class LifeStates
{
    public const string Draft = "draft";

    /// <summary>Submitted and locked until somebody decides, or it is withdrawn.</summary>
    public const string InReview = "in review";

    public const string ChangesRequested = "changes requested";

    /// <summary>Approved, and nothing asks for its first wave yet.</summary>
    public const string Approved = "approved";

    /// <summary>Approved, and a schedule or a queued run will select its first wave.</summary>
    public const string Scheduled = "scheduled";

    /// <summary>It has waves.</summary>
    public const string Running = "running";

    public const string Paused = "paused";

    /// <summary>The last day is over, or its lists are written.</summary>
    public const string Completed = "completed";

    /// <summary>Ended before its last day, for ever.</summary>
    public const string Stopped = "stopped";

    public static IReadOnlyList<string> All { get; } = [Draft, InReview, ChangesRequested, Approved, Scheduled, Running, Paused, Completed, Stopped];
}

/// <summary>What became of a campaign's newest submission.</summary>
public static class ApprovalStates
{
    /// <summary>Never submitted.</summary>
    public const string None = "none";

    public const string InReview = "in review";
    public const string Approved = "approved";
    public const string ChangesRequested = "changes requested";
    public const string Withdrawn = "withdrawn";

    /// <summary>The campaign was changed since: it must be submitted again.</summary>
    public const string Void = "void";
}

/// <summary>A campaign's life as one reader sees it.</summary>
/// <param name="State">one of <see cref="LifeStates"/></param>
/// <param name="ApprovalState">one of <see cref="ApprovalStates"/></param>
/// <param name="SubmittedBy">as the audit names whoever submitted; null: nobody did</param>
/// <param name="DecidedBy">of the newest decision about the newest submission</param>
/// <param name="Comment">the decision's, or while it is in review the submission's</param>
/// <param name="MayApprove">the reader may decide about it now, as far as it is no work of the reader's own; roles are asked elsewhere</param>
/// <param name="WhyNot">why the reader may not; null where it may</param>
/// <param name="StoppedBy">null unless stopped</param>
public sealed record CampaignLife(
    string State, string ApprovalState, string? SubmittedBy, string? DecidedBy, string? Comment, bool MayApprove, string? WhyNot,
    DateTimeOffset? SubmittedAt = null, DateTimeOffset? DecidedAt = null, string? PausedBy = null, DateTimeOffset? PausedAt = null,
    string? StoppedBy = null, DateTimeOffset? StoppedAt = null, string? StopReason = null)
{
    /// <summary>A wave may still come, so it can be paused or stopped.</summary>
    public bool MayStop => State is not (LifeStates.Completed or LifeStates.Stopped);

    public bool MayPause => State is LifeStates.Approved or LifeStates.Scheduled or LifeStates.Running;

    public bool MayResume => State == LifeStates.Paused;

    /// <summary>Nobody has approved it as it is, and it waits for nobody's decision.</summary>
    public bool MaySubmit => State is not (LifeStates.Completed or LifeStates.Stopped) && ApprovalState is not (ApprovalStates.InReview or ApprovalStates.Approved);

    public bool MayWithdraw => ApprovalState == ApprovalStates.InReview;
}
