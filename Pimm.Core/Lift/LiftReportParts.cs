namespace Pimm.Core.Lift;

/// <summary>An estimate with its interval; a part that is not defined is null and Note says why.</summary>
public sealed record LiftInterval(double? Estimate, double? StandardError, double? Lower, double? Upper, string Method, string? Note)
{
    internal static LiftInterval Of(Statistics.Estimate estimate) =>
        new(estimate.Value, estimate.StandardError, estimate.Lower, estimate.Upper, estimate.Method, estimate.Note);
}

/// <summary>Bounds that hold at every look; Conversions: the clock, those that the number counts in both arms. Multiplier: of the standard error, where there is one.</summary>
public sealed record LiftAlwaysValid(double? Lower, double? Upper, double? Multiplier, long Conversions, string? Note);

/// <summary>A stage of the impressions' funnel: how many of the exported reached it, and the treatment's rate against the control's, relative.</summary>
public sealed record LiftStage(string Stage, long Control, long Treatment, double? ControlRate, double? TreatmentRate, LiftInterval Lift);

/// <summary>What customers spent or invested in the window, in the unit of the outcome files. Numbers are empty, and Note says why, where no amounts came.</summary>
public sealed record LiftAmount(double? ControlMean, double? TreatmentMean, string? Note, IReadOnlyList<LiftNumber> Numbers);

/// <summary>
/// A calendar day: conversions of the eligible on that day and since the campaign began, each arm's impressions so far, and the
/// headline so far with its fixed and its always-valid interval.
/// </summary>
public sealed record LiftDay(
    DateOnly Date, double Impressions, long ControlOnDay, long TreatmentOnDay, long Control, long Treatment,
    double? Estimate, double? Lower, double? Upper, double? AlwaysLower, double? AlwaysUpper);

/// <summary>Days of the campaign in its own time zone.</summary>
public sealed record LiftDays(string TimeZone, string Note, IReadOnlyList<LiftDay> Days);

/// <summary>
/// A level of an attribute. Extra: its part of the headline, core conversions of its customers per 1,000 impressions of the
/// campaign; Difference: per 1,000 of its own eligible customers. PHolm is adjusted over all levels of all attributes shown.
/// </summary>
public sealed record LiftSegmentLevel(
    string Level, long ControlEligible, long TreatmentEligible, long ControlConversions, long TreatmentConversions,
    long ControlImpressions, long TreatmentImpressions, LiftInterval Extra, LiftInterval Difference, double? PValue, double? PHolm, string? Note);

/// <summary>One attribute. Heterogeneity: Cochran's Q of the levels' differences, its degrees of freedom and its p.</summary>
public sealed record LiftSegment(
    string Attribute, IReadOnlyList<LiftSegmentLevel> Levels, double? Heterogeneity, int Degrees, double? PValue, string? Note);

/// <summary>State: held, broken or open. Lower and Upper are one-sided bounds of the relative change.</summary>
public sealed record LiftGuardrail(
    string Metric, double Margin, string State, double? Estimate, double? Lower, double? Upper, string Method, string Sentence)
{
    /// <summary>"higher-is-better" or "lower-is-better"; null in reports of earlier versions of the code: higher.</summary>
    public string? Direction { get; init; }

    /// <summary>One-sided, of "not worse by the margin or more".</summary>
    public double? PValue { get; init; }
}

/// <summary>
/// How different the exported customers of the arms are. Overlaps: of the impressions that both policies would give inside one
/// arm; score differences: standardised, exported treatment against exported control.
/// </summary>
public sealed record LiftDivergence(
    double? ControlOverlap, double? TreatmentOverlap, double? ControlScoreDifference, double? TreatmentScoreDifference, string Sentence);

/// <summary>What was left out of the numbers, by the customers' arm.</summary>
public sealed record LiftExclusion(string What, long Control, long Treatment, string Sentence);

/// <summary>Outcomes taken in for the campaign's audience until the report was computed; Rows: those that were new.</summary>
public sealed record LiftIntake(long Files, long Rows);

/// <summary>Which version of a campaign's reports this is, numbered from 1, and who made it. AskedBy is null where nobody said so.</summary>
public sealed record LiftOrigin(int Version, long? RunId, string? AskedBy, string CodeVersion, LiftIntake? Intake);

/// <summary>A number then and now.</summary>
public sealed record LiftChange(string Key, string Name, string Unit, double? Before, double? Now, double? Difference);

/// <summary>What is new since an earlier version: its number and time, what was taken in, which numbers moved, and in words what else changed.</summary>
public sealed record LiftChanges(
    int Since, DateTimeOffset AsOf, long? Files, long? Rows, IReadOnlyList<LiftChange> Numbers, IReadOnlyList<string> Sentences);
