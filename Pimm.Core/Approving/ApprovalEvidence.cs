namespace Pimm.Core.Approving;

/// <summary>Customers left after one step of the exclusion funnel.</summary>
public sealed record SeenStep(string Step, long Customers);

/// <summary>A model version as it stood when somebody decided.</summary>
/// <param name="Version">null: none is trained yet</param>
/// <param name="Sha256">of its weights, as hexadecimal digits; null where it has none</param>
public sealed record SeenModel(long LineId, string Line, string Network, int? Version, long? VersionId, string? Sha256);

/// <summary>How well something is, and why.</summary>
/// <param name="Colour">green, amber or red</param>
public sealed record SeenCheck(string Name, string Colour, string Reason)
{
    public const string Green = "green";
    public const string Amber = "amber";
    public const string Red = "red";
}

/// <summary>How alike the arms are after the split.</summary>
/// <param name="Largest">largest absolute standardised difference, over scores and attributes; null where nothing varies</param>
/// <param name="Of">the attribute it belongs to</param>
public sealed record SeenBalance(long Control, long Treatment, double? Largest, string? Of, double? Imbalance, double? ImbalanceBefore);

/// <summary>What is known of a campaign when somebody decides about it.</summary>
/// <param name="Funnel">empty before the campaign is scored</param>
/// <param name="Scores">the scoring that was counted; null before the first, or where it is one of another definition</param>
/// <param name="Overlap">share of the first wave's customers, over both arms, whom both models would choose, 0 to 1; null before the campaign is scored</param>
/// <param name="DetectableLift">smallest relative lift of core conversions that 80 % of such campaigns find, both arms whole; null where it cannot be told</param>
/// <param name="DetectableExtra">the same as extra core conversions per 1,000 impressions</param>
/// <param name="ModelPolicy">which versions rank, in words</param>
/// <param name="SplitCandidates">R</param>
/// <param name="Balance">null before the split</param>
public sealed record ApprovalEvidence(
    IReadOnlyList<SeenStep> Funnel, long? Scores, DateTimeOffset? ScoredAt, int? AudienceVersion, double? Overlap, double? DetectableLift, double? DetectableExtra,
    string ModelPolicy, SeenModel Control, SeenModel Treatment, string SplitMethod, int SplitCandidates, string Salt, SeenBalance? Balance, IReadOnlyList<SeenCheck> Checks)
{
    /// <summary>Scores are frozen when the customers are split, and every wave ranks by them.</summary>
    public const string FrozenAtSplit = "versions are frozen when the customers are split: every wave ranks by the scores of that moment";

    public long? Eligible => Funnel.Count == 0 ? null : Funnel[^1].Customers;
}
