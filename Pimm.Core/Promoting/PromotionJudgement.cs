using System.Text.Json;

namespace Pimm.Core.Promoting;

/// <summary>What was seen when a version was judged, and what was decided; never changed.</summary>
/// <param name="Decision">promoted, kept, or refused: the version cannot be used at all</param>
/// <param name="Conditions">JSON of <see cref="PromotionCondition"/>s</param>
/// <param name="RowsFrom">impressions of this time and later were judged; null where none were</param>
/// <param name="Stages">JSON of <see cref="JudgedStage"/>s</param>
/// <param name="Margin">largest accepted difference of the joint log loss, nats a row</param>
/// <param name="DifferenceLower">missed with the chance <paramref name="Alpha"/>, as the upper bound</param>
/// <param name="Alpha">spent by this judgement</param>
/// <param name="AlphaSpent">by all of the line's judgements of the last nights, this one included</param>
public sealed record PromotionJudgement(
    long Id, long ModelLineId, long ModelVersionId, long ChampionVersionId, string Decision, string Sentence, string Conditions,
    DateTimeOffset? RowsFrom, DateTimeOffset? RowsTo, long JudgedRows, long Customers, string Stages, double? ChampionLogLoss, double? VersionLogLoss,
    double? Margin, double? Difference, double? DifferenceLower, double? DifferenceUpper, double? PValue, double Alpha, double AlphaSpent,
    long? RunId, DateTimeOffset JudgedAt)
{
    public const string Promoted = "promoted";
    public const string Kept = "kept";
    public const string Refused = "refused";

    public IReadOnlyList<PromotionCondition> ConditionList() => JsonSerializer.Deserialize<PromotionCondition[]>(Conditions, JsonSerializerOptions.Web)!;

    public IReadOnlyList<JudgedStage> StageList() => JsonSerializer.Deserialize<JudgedStage[]>(Stages, JsonSerializerOptions.Web)!;

    /// <summary>Without looking at rows.</summary>
    public static PromotionJudgement Without(long lineId, long versionId, long championId, string decision, string sentence, double spent) => new(
        0, lineId, versionId, championId, decision, sentence, "[]", null, null, 0, 0, "[]", null, null, null, null, null, null, null, 0, spent, null, default);

    public static PromotionJudgement Of(
        long lineId, long versionId, long championId, PromotionDecision decision, RefreshEvidence evidence, DateTimeOffset from, DateTimeOffset to, double spent) => new(
        0, lineId, versionId, championId, decision.Promotes ? Promoted : Kept, decision.Sentence, JsonSerializer.Serialize(decision.Conditions, JsonSerializerOptions.Web),
        from, to, evidence.Rows, evidence.Customers, JsonSerializer.Serialize(evidence.Stages, JsonSerializerOptions.Web),
        evidence.Rows == 0 ? null : evidence.ChampionLogLoss, evidence.Rows == 0 ? null : evidence.VersionLogLoss,
        decision.Margin, decision.Difference, decision.Lower, decision.Upper, decision.PValue, decision.Alpha, spent + decision.Alpha, null, default);
}

/// <summary>One night of a challenger line against the incumbent.</summary>
/// <param name="Night">JSON of <see cref="DifferenceSums"/></param>
/// <param name="Total">the same over all nights so far</param>
public sealed record LineComparison(
    long Id, long ModelLineId, long IncumbentLineId, long ModelVersionId, long IncumbentVersionId, DateTimeOffset RowsFrom, DateTimeOffset RowsTo,
    string Night, string Total, bool Ready, string Sentence, DateTimeOffset ComparedAt)
{
    public DifferenceSums TotalSums() => JsonSerializer.Deserialize<DifferenceSums>(Total, JsonSerializerOptions.Web)!;
}
