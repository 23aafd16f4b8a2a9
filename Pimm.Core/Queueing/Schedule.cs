using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pimm.Core.Queueing;

/// <summary>The kinds of a schedule: what its firing asks for.</summary>
public static class ScheduleKinds
{
    /// <summary>A model line's next version, then its evaluation and perhaps promotion.</summary>
    public const string Retrain = "retrain";

    /// <summary>A campaign's wave of the day: scores where there are none, selection, lists.</summary>
    public const string Campaign = "campaign";

    /// <summary>Outcome files that lie in the inbox.</summary>
    public const string Collect = "collect";

    /// <summary>Lift reports of campaigns whose windows are open, or closed since their last report.</summary>
    public const string Lift = "lift";

    /// <summary>What is older than the settings keep.</summary>
    public const string Retain = "retain";

    public static readonly IReadOnlyList<string> All = [Retrain, Campaign, Collect, Lift, Retain];

    /// <summary>Kinds whose occasion is a day: one day fires once, however the hour or the zone is changed.</summary>
    public static bool IsDaily(string kind) => kind != Collect;
}

/// <summary>What a schedule may say beyond its kind.</summary>
/// <param name="WindowDays">of a training, 1 to 366; null: the longest window of the line's campaigns</param>
/// <param name="MaxHours">budget of one attempt of its longest run, above 0; null: none</param>
public sealed record ScheduleArguments(int? WindowDays = null, double? MaxHours = null)
{
    /// <exception cref="InputException">not an object of these values, or one is out of its range</exception>
    public static ScheduleArguments Parse(string json)
    {
        ScheduleArguments read;
        try
        {
            read = JsonSerializer.Deserialize<ScheduleArguments>(json, Format) ?? new();
        }
        catch (JsonException e)
        {
            throw new InputException($"The schedule's arguments {json} cannot be read: write a JSON object with windowDays, maxHours, or neither.", e);
        }
        if (read.WindowDays is < 1 or > 366)
            throw new InputException($"The schedule's windowDays is {read.WindowDays}: choose 1 to 366.");
        if (read.MaxHours is not (null or > 0 and <= 1000))
            throw new InputException(FormattableString.Invariant($"The schedule's maxHours is {read.MaxHours}: choose more than 0 and at most 1000."));
        return read;
    }

    public string ToJson() => JsonSerializer.Serialize(this, Format);

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
    };
}

/// <summary>One row of schedule.</summary>
/// <param name="Kind">see <see cref="ScheduleKinds"/></param>
/// <param name="ModelLineId">of a retrain, null for other kinds</param>
/// <param name="CampaignId">of a campaign, null for other kinds</param>
/// <param name="Cron">five fields, or Quartz's six with the seconds first</param>
/// <param name="TimeZone">IANA id</param>
/// <param name="Arguments">JSON of <see cref="ScheduleArguments"/></param>
/// <param name="MustSucceedWithin">without a success for so long it is late; null: never</param>
/// <param name="ActiveSince">created, resumed, or moved to another time: dates before are not missed</param>
/// <param name="Version">rises with every change that a clock has to take over</param>
/// <param name="Problem">why no worker can fire it; null: none</param>
public sealed record Schedule(
    long Id, string Name, string Kind, long? ModelLineId, long? CampaignId, string Cron, string TimeZone, bool Enabled,
    [property: JsonConverter(typeof(RawJsonConverter))] string Arguments, TimeSpan? MustSucceedWithin,
    DateTimeOffset CreatedAt, DateTimeOffset ActiveSince, DateTimeOffset ChangedAt, string ChangedBy, int Version, string? Problem)
{
    public static readonly TimeSpan LongestBound = TimeSpan.FromDays(400);

    /// <summary>A schedule that is not stored yet, with the bound of one that fires each night, or each hour.</summary>
    public static Schedule New(
        string name, string kind, long? modelLineId, long? campaignId, string cron, string timeZone, string changedBy) =>
        new(0, name, kind, modelLineId, campaignId, cron, timeZone, true, "{}", kind == ScheduleKinds.Collect ? TimeSpan.FromHours(2) : TimeSpan.FromHours(26),
            default, default, default, changedBy, 1, null);

    /// <summary>The day of an instant where the schedule is; UTC's where its zone is unknown, so that it can be shown and mended.</summary>
    public DateOnly DateOf(DateTimeOffset instant) => DateOnly.FromDateTime(Local(instant).DateTime);

    public DateTimeOffset Local(DateTimeOffset instant) =>
        TimeZoneInfo.ConvertTime(instant, TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out var zone) ? zone : TimeZoneInfo.Utc);

    /// <exception cref="InputException">a value is out of its range; cron and time zone are the clock's to check</exception>
    public Schedule Validated()
    {
        if (Name.Trim().Length is 0 or > 100 || Name.Trim() != Name)
            throw new InputException($"The schedule's name \"{Name}\" must have 1 to 100 characters and no spaces around them.");
        if (!ScheduleKinds.All.Contains(Kind))
            throw new InputException($"\"{Kind}\" is no kind of schedule: choose {string.Join(", ", ScheduleKinds.All)}.");
        if (Kind == ScheduleKinds.Retrain != ModelLineId is not null)
            throw new InputException(ModelLineId is null ? "A retrain schedule trains one model line: give --line." : $"A {Kind} schedule has no model line: leave --line out.");
        if (Kind == ScheduleKinds.Campaign != CampaignId is not null)
            throw new InputException(CampaignId is null ? "A campaign schedule belongs to one campaign: give --campaign." : $"A {Kind} schedule has no campaign: leave --campaign out.");
        if (MustSucceedWithin is { } bound && (bound < TimeSpan.FromMinutes(1) || bound > LongestBound))
            throw new InputException($"The schedule must succeed within {bound}: choose one minute to 400 days.");
        _ = ScheduleArguments.Parse(Arguments);
        return this;
    }
}

/// <summary>One row of schedule_firing.</summary>
/// <param name="Occasion">the day in the schedule's zone, as 2027-03-28, or the second in UTC</param>
/// <param name="ScheduledAt">when the clock was to fire</param>
/// <param name="FiredBy">the worker, or who asked by hand</param>
/// <param name="Refused">the work could not even be asked for; <see cref="Outcome"/> says why</param>
public sealed record ScheduleFiring(
    long ScheduleId, string Occasion, DateOnly LogicalDate, DateTimeOffset ScheduledAt, DateTimeOffset FiredAt, string FiredBy,
    long[] Runs, bool Refused, string Outcome);
