using System.Globalization;
using System.Text.Json;

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
/// <param name="Salt">unique for ever; the salts of traffic, split, hold-back, exploration and ties are made from it</param>
/// <param name="PlannedConversions">core conversions of both arms expected at launch, the scale of the sequential bounds; null: a fixed scale</param>
/// <param name="SplitCovariates">one to three of "control-score", "treatment-score" and the audience's number attributes; null: the control model's score</param>
/// <param name="TrafficShare">share of the audience that may enter, above 0 to 1, by a hash of its own</param>
/// <param name="Layer">campaigns of one audience that name the same layer share its hash; null: none</param>
/// <param name="LayerFrom">first of the layer's 10,000 parts that this campaign uses, 0 to 9,999</param>
/// <param name="LayerTo">the first part after its range, above LayerFrom to 10,000</param>
/// <param name="ContactLimit">customers exported this often in the ContactDays before the first day, or since, are not eligible; 1 to 1,000, null: no limit</param>
/// <param name="ContactDays">1 to 366; given exactly where ContactLimit is</param>
/// <param name="CopyOf">the campaign that this one restarts; null: none</param>
/// <param name="Segments">attributes of the audience, "control-score" or "treatment-score", by whose levels the lift report is broken down; at most 5, null for none</param>
/// <param name="Guardrails">JSON: a list of <see cref="Guardrail"/>; null for none</param>
/// <param name="Channel">profile that lists are written for, one of <see cref="Channels"/></param>
/// <param name="ConsentPurpose">what customers must have consented to before a list names them; null: no consent is asked for</param>
/// <param name="Filter">JSON: a list of <see cref="FilterCondition"/>, all of which a customer must meet; null for none</param>
/// <param name="FilterReason">why an attribute that is protected, or tells one that is, is filtered by; null: none is</param>
public sealed record Campaign(
    long Id, string Name, long AudienceId, long ControlLineId, long TreatmentLineId, string TimeZone, DateOnly StartsOn,
    int Days, int WindowDays, int ImpressionsPerDay, double HoldbackShare, double ExplorationShare, string SplitMethod,
    int SplitCandidates, string Salt, string CreatedBy, DateTimeOffset CreatedAt, int? PlannedConversions = null,
    string[]? SplitCovariates = null, double TrafficShare = 1, string? Layer = null, int? LayerFrom = null, int? LayerTo = null,
    int? ContactLimit = null, int? ContactDays = null, long? CopyOf = null, string[]? Segments = null, string? Guardrails = null,
    string Channel = Campaign.GenericCsv, string? ConsentPurpose = null, string? Filter = null, string? FilterReason = null)
{
    public const string ControlScore = "control-score";
    public const string TreatmentScore = "treatment-score";
    public const string GenericCsv = "generic-csv";

    /// <summary>Names of the profiles that Exporting writes.</summary>
    public static readonly string[] Channels = [GenericCsv, "google-customer-match", "meta", "tiktok"];

    /// <summary>A layer's parts; a range is [LayerFrom, LayerTo) of them.</summary>
    public const int LayerParts = 10_000;

    /// <summary>The most attributes that one report is broken down by.</summary>
    public const int MostSegments = 5;

    /// <summary>What the split is balanced on, never empty.</summary>
    public IReadOnlyList<string> Covariates => SplitCovariates is { Length: > 0 } chosen ? chosen : [ControlScore];

    public IReadOnlyList<Guardrail> GuardrailList() => Guardrails is null ? [] : Guardrail.Parse(Guardrails);

    public IReadOnlyList<FilterCondition> FilterList() => Filter is null ? [] : FilterCondition.Parse(Filter);

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

    /// <summary>The salt of one purpose: "traffic", "split", "hold-back", "exploration", "tie" or "randomisation-test".</summary>
    public string SaltFor(string purpose) => $"{Salt}/{purpose}";

    /// <summary>The salt of the layer: the same for every campaign of the audience that names it.</summary>
    public string LayerSalt => string.Create(CultureInfo.InvariantCulture, $"{LayerSaltPrefix}{AudienceId}/{Layer}");

    private const string LayerSaltPrefix = "layer/";

    /// <summary>The same definition from another first day on: a restart, whose customers are split anew.</summary>
    public Campaign Copy(string name, DateOnly startsOn, string salt, string createdBy, DateTimeOffset at) => this with
    {
        Id = 0, Name = name, StartsOn = startsOn, CreatedBy = createdBy, CreatedAt = at, CopyOf = Id,
        Salt = salt != Salt ? salt : throw new InputException(
            $"The salt \"{salt}\" is that of campaign \"{Name}\": a restart needs one of its own, or the arms carry over what they saw before."),
    };

    /// <summary>Everything that decides who is scored, and by which lines, as JSON: scores of another one are not this campaign's.</summary>
    public string ScoredDefinition() => Filter is null ? JsonSerializer.Serialize(Scored) : JsonSerializer.Serialize(new { Scored, Filter = FilterList() });

    private object Scored => new
    {
        AudienceId, ControlLineId, TreatmentLineId, TrafficShare, Layer, LayerFrom, LayerTo, ContactLimit, ContactDays, Channel, ConsentPurpose,
        Salt = TrafficShare < 1 ? Salt : null,
        ContactsOf = ContactLimit is null ? null : new { StartsOn, Days, TimeZone },
    };

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
        Check(Salt.Trim().Length is > 0 and <= 200, $"The campaign's salt has {Salt.Trim().Length} characters: give it 1 to 200.");
        Check(!Salt.StartsWith(LayerSaltPrefix, StringComparison.Ordinal), $"The salt \"{Salt}\" begins with \"{LayerSaltPrefix}\", which is kept for layers: choose another.");
        CheckCovariates();
        Check(TrafficShare is > 0 and <= 1, $"Traffic share is {Show(TrafficShare)}: it must be above 0 and at most 1.");
        CheckLayer();
        Check(ContactLimit is null == ContactDays is null, "Contact limit and contact days belong together: give both, or neither.");
        Check(ContactLimit is null or (>= 1 and <= 1000), $"Contact limit is {ContactLimit}: choose 1 to 1,000 exports a customer.");
        Check(ContactDays is null or (>= 1 and <= 366), $"Contact days is {ContactDays}: choose 1 to 366.");
        Check(PlannedConversions is null or > 0, $"Planned conversions is {PlannedConversions}: give at least 1, or none.");
        Check(Segments is null or { Length: <= MostSegments }, $"{Segments?.Length} attributes to break the report down by: choose at most {MostSegments}.");
        Check(Segments is null || Segments.Distinct().Count() == Segments.Length, "An attribute to break the report down by stands there twice: name each once.");
        Guardrail.Check(GuardrailList());
        Check(Channels.Contains(Channel), $"The channel \"{Channel}\" is unknown: choose {string.Join(", ", Channels[..^1])} or {Channels[^1]}.");
        Check(ConsentPurpose is null || (ConsentPurpose.Trim().Length is > 0 and <= 100 && ConsentPurpose.Trim() == ConsentPurpose), $"The consent purpose \"{ConsentPurpose}\" must have 1 to 100 characters and no spaces around them.");
        FilterCondition.Check(FilterList());
        Check(FilterReason is null || FilterReason.Trim().Length is > 0 and <= 1000, $"The reason for the filter has {FilterReason?.Trim().Length} characters: give it 1 to 1,000, or leave it out.");
        Check(ControlLineId != TreatmentLineId, "Control and treatment are the same model line: choose two, or there is nothing to compare.");
        return this;
    }

    private void CheckCovariates()
    {
        var given = SplitCovariates ?? [ControlScore];
        Check(given.Length is >= 1 and <= 3, $"{given.Length} split covariates were given: choose one to three, more dilute each other.");
        var blank = Array.FindIndex(given, string.IsNullOrWhiteSpace);
        Check(blank < 0, $"Split covariate {blank + 1} has no name: give {ControlScore}, {TreatmentScore} or a number attribute.");
        var repeated = given.GroupBy(c => c, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
        Check(repeated is null, $"The split covariate \"{repeated}\" is given twice: name each once.");
    }

    private void CheckLayer()
    {
        if (Layer is null)
        {
            Check(LayerFrom is null && LayerTo is null, "A range without a layer excludes nobody: name the layer, or leave the range out.");
            return;
        }
        Check(Layer.Trim().Length is > 0 and <= 100 && Layer.Trim() == Layer, $"The layer's name \"{Layer}\" must have 1 to 100 characters and no spaces around them.");
        Check(LayerFrom is not null && LayerTo is not null, $"The layer \"{Layer}\" has no range: give layerFrom and layerTo, parts of {Show(LayerParts)}.");
        Check(LayerFrom >= 0 && LayerFrom < LayerTo && LayerTo <= LayerParts, $"The range {LayerFrom} to {LayerTo} is no part of the layer \"{Layer}\": choose 0 <= from < to <= {Show(LayerParts)}.");
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

/// <summary>How far a campaign is as a whole; computed, stored nowhere.</summary>
public static class CampaignStates
{
    /// <summary>Its customers are not split yet: it can be changed.</summary>
    public const string Draft = "draft";

    public const string Running = "running";

    /// <summary>All seven stages are done.</summary>
    public const string Finished = "finished";

    public static IReadOnlyList<string> All { get; } = [Draft, Running, Finished];
}

/// <summary>One row of the list of campaigns.</summary>
/// <param name="ControlVersion">champion of the control line; null until one is trained</param>
/// <param name="StagesDone">how many of the seven stages are done</param>
/// <param name="CurrentStage">name of the first stage that is not done, null when all are</param>
/// <param name="Busy">a run of this campaign is queued or running</param>
/// <param name="LiftReport">newest lift report as JSON, null before the first and where it was not asked for</param>
/// <param name="State">one of <see cref="CampaignStates"/></param>
public sealed record CampaignSummary(
    long Id, string Name, string Audience, bool Simulated, DateOnly StartsOn, int Days, int WindowDays, int ImpressionsPerDay,
    string ControlName, string ControlNetwork, int? ControlVersion, string TreatmentName, string TreatmentNetwork,
    int? TreatmentVersion, long StagesDone, string? CurrentStage, bool Busy, string? LiftReport, string State);

/// <summary>What a campaign's page shows of one stage; computed by the view campaign_stage.</summary>
/// <param name="Kind">the job kind that does this stage's work</param>
/// <param name="State">waiting, queued, running, done, failed or cancelled</param>
/// <param name="RunId">newest run of this stage, null before the first</param>
/// <param name="Progress">0 to 1 while running</param>
public sealed record CampaignStage(
    int Ordinal, string Stage, string Kind, string State, DateTimeOffset? DoneAt, long Quantity, string Unit,
    long? RunId, float? Progress, string? Message, string? Error);
