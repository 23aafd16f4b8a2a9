using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>One condition while a person makes it.</summary>
public sealed class ConditionForm
{
    public string Attribute { get; set; } = "";

    public string Operator { get; set; } = FilterCondition.Is;

    /// <summary>As typed; several divided by commas, or the lower end of between.</summary>
    public string Value { get; set; } = "";

    /// <summary>The upper end of between.</summary>
    public string Upper { get; set; } = "";

    public static ConditionForm Of(FilterCondition condition) => new()
    {
        Attribute = condition.Attribute, Operator = condition.Operator,
        Value = condition.Operator == FilterCondition.Between ? condition.Given[0] : string.Join(", ", condition.Given),
        Upper = condition.Operator == FilterCondition.Between ? condition.Given[1] : "",
    };

    public FilterCondition ToCondition() => new(Attribute, Operator, Operator switch
    {
        FilterCondition.Missing or FilterCondition.NotMissing => null,
        FilterCondition.Between => [Value.Trim(), Upper.Trim()],
        FilterCondition.OneOf => Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
        _ => [Value.Trim()],
    });
}

/// <summary>A campaign while a person makes it: what was typed, as it was typed, complete or not.</summary>
public sealed partial class WizardForm
{
    public string Name { get; set; } = "";

    public string WindowDays { get; set; } = "30";

    public string PlannedConversions { get; set; } = "";

    /// <summary>The audience's name; empty: none is chosen.</summary>
    public string Audience { get; set; } = "";

    public List<ConditionForm> Conditions { get; set; } = [];

    public string FilterReason { get; set; } = "";

    public string ConsentPurpose { get; set; } = "";

    public string ContactLimit { get; set; } = "";

    public string ContactDays { get; set; } = "";

    public string TrafficPercent { get; set; } = "100";

    public string ImpressionsPerDay { get; set; } = "";

    /// <summary>As 2026-12-01.</summary>
    public string StartsOn { get; set; } = "";

    public string Days { get; set; } = "";

    public string TimeZone { get; set; } = "";

    /// <summary>"line:" and the id of one there is, or "new:" and a kind of network.</summary>
    public string Control { get; set; } = "";

    public string Treatment { get; set; } = "";

    public string HoldbackPercent { get; set; } = "10";

    public string ExplorationPercent { get; set; } = "5";

    public string SplitMethod { get; set; } = "best-of";

    public string SplitCandidates { get; set; } = "100";

    /// <summary>Core conversions expected of 100 eligible customers, for the plan alone; empty: what history says.</summary>
    public string RatePercent { get; set; } = "";

    public string Channel { get; set; } = Campaign.GenericCsv;

    public string Comment { get; set; } = "";

    /// <summary>Steps whose fields say what is wrong with them: somebody has been through.</summary>
    public HashSet<string> Seen { get; set; } = [];

    /// <summary>Null in a draft of a version that did not ask: then it is as <see cref="Base"/> has it.</summary>
    [JsonPropertyName("further")]
    public FurtherForm? Kept { get; set; }

    [JsonIgnore]
    public FurtherForm Further => Kept ??= FurtherForm.Of(Base);

    /// <summary>The definition that is being changed; null: a new campaign.</summary>
    public CampaignFile? Base { get; set; }

    public static WizardForm Of(CampaignFile file, long controlLine, long treatmentLine) => new()
    {
        Base = file, Name = file.Name, WindowDays = Text(file.WindowDays), PlannedConversions = file.PlannedConversions is { } planned ? Text(planned) : "", Audience = file.Audience,
        Conditions = [.. (file.Filter ?? []).Select(ConditionForm.Of)], FilterReason = file.FilterReason ?? "", ConsentPurpose = file.ConsentPurpose ?? "",
        ContactLimit = file.ContactLimit is { } limit ? Text(limit) : "", ContactDays = file.ContactDays is { } days ? Text(days) : "", TrafficPercent = Text(100 * file.TrafficShare),
        ImpressionsPerDay = Text(file.ImpressionsPerDay), StartsOn = file.StartsOn.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), Days = Text(file.Days), TimeZone = file.TimeZone,
        Control = Text($"line:{controlLine}"), Treatment = Text($"line:{treatmentLine}"), HoldbackPercent = Text(100 * file.HoldbackShare), ExplorationPercent = Text(100 * file.ExplorationShare),
        SplitMethod = file.SplitMethod, SplitCandidates = Text(file.SplitCandidates), Channel = file.Channel, Seen = [.. WizardStep.All.Select(step => step.Key)],
    };

    public static WizardForm Parse(string json) => JsonSerializer.Deserialize<WizardForm>(json, JsonSerializerOptions.Web)!;

    public string ToJson() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);

    [JsonIgnore]
    public FilterCondition[] Filter => [.. Conditions.Select(condition => condition.ToCondition())];

    [JsonIgnore]
    public DateOnly? FirstDay => DateOnly.TryParseExact(StartsOn, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;

    /// <summary>1000 or 1,000; a comma elsewhere may be meant for a point, and is none of a whole number.</summary>
    public static int? Whole(string text) =>
        Grouped().IsMatch(text.Trim()) && int.TryParse(text.Trim().Replace(",", "", StringComparison.Ordinal), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    [GeneratedRegex(@"^(\d+|\d{1,3}(,\d{3})+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Grouped();

    public static double? Number(string text) =>
        double.TryParse(text.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>Impressions of one arm over all days; null until both are numbers.</summary>
    [JsonIgnore]
    public long? Total => Whole(ImpressionsPerDay) is { } perDay && Whole(Days) is { } days ? (long)perDay * days : null;

    public long? Line(string choice) => choice.StartsWith("line:", StringComparison.Ordinal) && long.TryParse(choice[5..], NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;

    /// <summary>What the eligible customers depend on; the rest may still be missing.</summary>
    /// <param name="id">of the campaign that is being changed, 0 for a new one</param>
    /// <param name="today">stands for a first day that is missing</param>
    public Campaign ToCounted(long id, Audience audience, DateOnly today)
    {
        var like = ToFile(today, "control", "treatment") with { Channel = Channel };
        return like.ToCampaign(audience.Id, 0, 1, "", default) with { Id = id };
    }

    /// <summary>The description; only of a form without problems it is what was meant.</summary>
    public CampaignFile ToFile(DateOnly today, string control, string treatment, Dictionary<string, string>? controlSettings = null, Dictionary<string, string>? treatmentSettings = null)
    {
        var zone = TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone.Trim(), out _) ? TimeZone.Trim() : "UTC";
        var (name, first) = (Name.Trim(), FirstDay ?? today);
        return Further.Onto(Base ?? new CampaignFile(name, Audience, control, treatment, first, 1, 30, 1)) with
        {
            Name = name, Audience = Audience, Control = control, Treatment = treatment, ControlSettings = controlSettings, TreatmentSettings = treatmentSettings,
            StartsOn = first, Days = Whole(Days) ?? 1, WindowDays = Whole(WindowDays) ?? 30, ImpressionsPerDay = Whole(ImpressionsPerDay) ?? 1, TimeZone = zone,
            ControlImpressionsPerDay = null, TreatmentImpressionsPerDay = null,
            HoldbackShare = Share(HoldbackPercent, 0.1), ExplorationShare = Share(ExplorationPercent, 0.05), SplitMethod = SplitMethod, SplitCandidates = Whole(SplitCandidates) ?? 100,
            PlannedConversions = Whole(PlannedConversions), TrafficShare = Share(TrafficPercent, 1), ContactLimit = Whole(ContactLimit), ContactDays = Whole(ContactDays),
            Channel = Channel, ConsentPurpose = Filled(ConsentPurpose), Filter = Conditions.Count == 0 ? null : Filter, FilterReason = Filled(FilterReason),
        };
    }

    // In percent as typed, so that 12.3 is 0.123 and not its neighbour.
    private double Share(string percent, double otherwise) => decimal.TryParse(percent.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) ? (double)(value / 100) : otherwise;

    private static string? Filled(string text) => text.Trim() is { Length: > 0 } filled ? filled : null;

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private static string Text(double number) => Math.Round(number, 10).ToString(CultureInfo.InvariantCulture);
}
