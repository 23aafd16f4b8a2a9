using System.Globalization;

namespace Pimm.Core.Campaigns;

/// <summary>
/// What a marketer defined: who is compared, when, and how much each arm may spend. Frozen once its customers are split.
/// </summary>
/// <param name="ControlLineId">model line whose champion ranks the control arm</param>
/// <param name="TreatmentLineId">model line whose champion ranks the treatment arm; another than the control line</param>
/// <param name="TimeZone">IANA id; a wave is a day in this zone</param>
/// <param name="Days">waves, 1 to 366</param>
/// <param name="WindowDays">w: days after its wave in which an outcome counts, 1 to 366</param>
/// <param name="ImpressionsPerDay">N of one wave in each arm</param>
/// <param name="HoldbackShare">h: share of customers never exported, 0 to 0.5; 0 leaves both increments unknown</param>
/// <param name="ExplorationShare">x: share of N drawn at random, 0 to 0.5</param>
/// <param name="SplitMethod">"best-of", "blocks" or "plain" (Allocating)</param>
/// <param name="SplitCandidates">R of best-of-R, 1 to 10,000</param>
/// <param name="Salt">unique; the salts of split, hold-back, exploration and ties are made from it</param>
/// <param name="PlannedConversions">core conversions of both arms expected at launch, the scale of the sequential bounds; null leaves these out</param>
/// <param name="Segments">attributes of the audience, or "controlScore", by whose levels the lift report is broken down; at most 5, null for none</param>
/// <param name="Guardrails">JSON: a list of <see cref="Guardrail"/>; null for none</param>
public sealed record Campaign(
    long Id, string Name, long AudienceId, long ControlLineId, long TreatmentLineId, string TimeZone, DateOnly StartsOn,
    int Days, int WindowDays, int ImpressionsPerDay, double HoldbackShare, double ExplorationShare, string SplitMethod,
    int SplitCandidates, string Salt, string CreatedBy, DateTimeOffset CreatedAt, int? PlannedConversions = null,
    string[]? Segments = null, string? Guardrails = null)
{
    /// <summary>The most attributes that one report is broken down by.</summary>
    public const int MostSegments = 5;

    /// <summary>In <see cref="Segments"/>: terciles of the control model's score instead of an attribute.</summary>
    public const string ControlScoreSegment = "controlScore";

    public IReadOnlyList<Guardrail> GuardrailList() => Guardrails is null ? [] : Guardrail.Parse(Guardrails);

    /// <summary>The days of the campaign in order; each is the key of one wave.</summary>
    public IEnumerable<DateOnly> WaveDates => Enumerable.Range(0, Days).Select(StartsOn.AddDays);

    /// <summary>Midnight that begins <paramref name="date"/> in the campaign's time zone.</summary>
    public DateTimeOffset StartOf(DateOnly date)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(TimeZone);
        var local = date.ToDateTime(TimeOnly.MinValue);
        // Some zones skip midnight when clocks go forward: the day then begins with its first existing minute.
        while (zone.IsInvalidTime(local))
        {
            local = local.AddMinutes(1);
        }
        // A midnight that comes twice begins the day the first time.
        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset).ToUniversalTime();
    }

    /// <summary>The day that <paramref name="instant"/> belongs to in the campaign's time zone.</summary>
    public DateOnly DateOf(DateTimeOffset instant) =>
        DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(instant, TimeZoneInfo.FindSystemTimeZoneById(TimeZone)).DateTime);

    public DateTimeOffset StartsAt => StartOf(StartsOn);

    /// <summary>From here on no outcome counts any more: the last wave's window is closed.</summary>
    public DateTimeOffset ClosesAt => StartOf(StartsOn.AddDays(Days - 1)).AddDays(WindowDays);

    /// <summary>The salt of one purpose: "split", "hold-back", "exploration" or "tie".</summary>
    public string SaltFor(string purpose) => $"{Salt}/{purpose}";

    /// <exception cref="InputException">a value is out of its range; the sentence names it</exception>
    public Campaign Validated()
    {
        Check(Name.Trim().Length is > 0 and <= 100, $"The campaign's name has {Name.Trim().Length} characters: give it 1 to 100.");
        Check(TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out _), $"\"{TimeZone}\" is no time zone: use an IANA id such as Asia/Shanghai.");
        Check(Days is >= 1 and <= 366, $"Days is {Days}: a campaign runs 1 to 366 days.");
        Check(WindowDays is >= 1 and <= 366, $"Window is {WindowDays} days: choose 1 to 366.");
        Check(ImpressionsPerDay is >= 1 and <= 100_000_000, $"Impressions a day and arm is {ImpressionsPerDay}: choose 1 to 100,000,000.");
        Check(HoldbackShare is >= 0 and <= 0.5, $"Hold-back share is {Show(HoldbackShare)}: it must lie between 0 and 0.5.");
        Check(ExplorationShare is >= 0 and <= 0.5, $"Exploration share is {Show(ExplorationShare)}: it must lie between 0 and 0.5.");
        Check(SplitMethod is "best-of" or "blocks" or "plain", $"Split method \"{SplitMethod}\" is unknown: choose best-of, blocks or plain.");
        Check(SplitCandidates is >= 1 and <= 10_000, $"Split candidates is {SplitCandidates}: choose 1 to 10,000.");
        Check(PlannedConversions is null or > 0, $"Planned conversions is {PlannedConversions}: give at least 1, or none.");
        Check(Segments is null or { Length: <= MostSegments }, $"{Segments?.Length} attributes to break the report down by: choose at most {MostSegments}.");
        Check(Segments is null || Segments.Distinct().Count() == Segments.Length, "An attribute to break the report down by stands there twice: name each once.");
        Guardrail.Check(GuardrailList());
        Check(ControlLineId != TreatmentLineId, "Control and treatment are the same model line: choose two, or there is nothing to compare.");
        return this;
    }

    private static string Show(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static void Check(bool holds, string sentence)
    {
        if (!holds)
        {
            throw new InputException(sentence);
        }
    }
}

/// <summary>One row of the list of campaigns.</summary>
/// <param name="ControlVersion">champion of the control line; null until one is trained</param>
/// <param name="StagesDone">how many of the seven stages are done</param>
/// <param name="CurrentStage">name of the first stage that is not done, null when all are</param>
/// <param name="Busy">a run of this campaign is queued or running</param>
/// <param name="LiftReport">newest lift report as JSON, null before the first</param>
public sealed record CampaignSummary(
    long Id, string Name, string Audience, bool Simulated, DateOnly StartsOn, int Days, int WindowDays, int ImpressionsPerDay,
    string ControlName, string ControlNetwork, int? ControlVersion, string TreatmentName, string TreatmentNetwork,
    int? TreatmentVersion, long StagesDone, string? CurrentStage, bool Busy, string? LiftReport);

/// <summary>What a campaign's page shows of one stage; computed by the view campaign_stage.</summary>
/// <param name="Kind">the job kind that does this stage's work</param>
/// <param name="State">waiting, queued, running, done, failed or cancelled</param>
/// <param name="RunId">newest run of this stage, null before the first</param>
/// <param name="Progress">0 to 1 while running</param>
public sealed record CampaignStage(
    int Ordinal, string Stage, string Kind, string State, DateTimeOffset? DoneAt, long Quantity, string Unit,
    long? RunId, float? Progress, string? Message, string? Error);
