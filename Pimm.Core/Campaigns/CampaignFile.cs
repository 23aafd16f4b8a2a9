using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pimm.Core.Campaigns;

/// <summary>A campaign as a file, or a request to the API, describes it; docs/campaigns.md says what each field means.</summary>
/// <param name="Audience">the audience's name</param>
/// <param name="Control">network of the control line: a name of the catalogue of networks, or random</param>
/// <param name="ControlSettings">settings of the control line as `train --set`; "ignore" and "allowLeak" are lists of attributes</param>
/// <param name="Salt">never used before; default made of name and first day</param>
/// <param name="Channel">profile of its lists: generic-csv, google-customer-match, meta or tiktok</param>
/// <param name="ConsentPurpose">what customers must have consented to before a list names them</param>
/// <param name="Filter">conditions that a customer must meet, all of them</param>
/// <param name="FilterReason">why an attribute that is protected, or tells one that is, is filtered by: without it such a filter is refused</param>
/// <param name="ControlImpressionsPerDay">accepted only where it says the same as ImpressionsPerDay: quotas are equal</param>
public sealed record CampaignFile(
    string Name, string Audience, string Control, string Treatment, DateOnly StartsOn, int Days, int WindowDays, int ImpressionsPerDay,
    string TimeZone = "UTC", double HoldbackShare = 0.1, double ExplorationShare = 0.05, string SplitMethod = "best-of",
    int SplitCandidates = 100, string? Salt = null, int? PlannedConversions = null,
    Dictionary<string, string>? ControlSettings = null, Dictionary<string, string>? TreatmentSettings = null,
    string[]? SplitCovariates = null, double TrafficShare = 1, string? Layer = null, int? LayerFrom = null, int? LayerTo = null,
    int? ContactLimit = null, int? ContactDays = null, int? ControlImpressionsPerDay = null, int? TreatmentImpressionsPerDay = null,
    string[]? Segments = null, Guardrail[]? Guardrails = null, string Channel = Campaign.GenericCsv, string? ConsentPurpose = null,
    FilterCondition[]? Filter = null, string? FilterReason = null)
{
    // A field that is misspelt would silently be its default.
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string DefaultSalt(string name, DateOnly startsOn) => string.Create(CultureInfo.InvariantCulture, $"{name}/{startsOn:yyyy-MM-dd}");

    /// <exception cref="InputException">the file cannot be read, describes no campaign, or wants unequal quotas</exception>
    public static CampaignFile Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} cannot be read: check that it is there and that you may read it.", unreadable);
        }
    }

    /// <param name="source">what the sentences call the text: a path, or "The body"</param>
    /// <exception cref="InputException">the text describes no campaign, or wants unequal quotas</exception>
    public static CampaignFile Parse(string json, string source)
    {
        try
        {
            var file = JsonSerializer.Deserialize<CampaignFile>(json, Format) ?? throw new InputException($"{source} holds the JSON null: describe a campaign.");
            return file.RefuseNulls(source).RefuseUnequalQuotas();
        }
        catch (JsonException damage)
        {
            throw new InputException(
                $"{source} describes no campaign{(damage.Path is { Length: > 2 } at ? $" (look at \"{at[2..]}\")" : "")}: give JSON with name, audience, control, treatment, startsOn (2026-12-01), days, windowDays and impressionsPerDay; docs/campaigns.md has every field.", damage);
        }
    }

    /// <summary>What a file would have to say to make this campaign, with every default written out.</summary>
    /// <param name="control">network and settings of the control line</param>
    public static CampaignFile Of(Campaign campaign, string audience, LineDescription control, LineDescription treatment) => new(
        campaign.Name, audience, control.Network, treatment.Network, campaign.StartsOn, campaign.Days, campaign.WindowDays, campaign.ImpressionsPerDay,
        campaign.TimeZone, campaign.HoldbackShare, campaign.ExplorationShare, campaign.SplitMethod, campaign.SplitCandidates, campaign.Salt,
        campaign.PlannedConversions, control.Settings, treatment.Settings, [.. campaign.Covariates], campaign.TrafficShare,
        campaign.Layer, campaign.LayerFrom, campaign.LayerTo, campaign.ContactLimit, campaign.ContactDays,
        Segments: campaign.Segments ?? [], Guardrails: [.. campaign.GuardrailList()],
        Channel: campaign.Channel, ConsentPurpose: campaign.ConsentPurpose,
        Filter: campaign.Filter is null ? null : [.. campaign.FilterList()], FilterReason: campaign.FilterReason);

    /// <summary>Always the same text for the same campaign: what is not given is left out, settings stand in the order of their names.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Format);

    public Campaign ToCampaign(long audienceId, long controlLineId, long treatmentLineId, string createdBy, DateTimeOffset at) => new(
        0, Name, audienceId, controlLineId, treatmentLineId, TimeZone, StartsOn, Days, WindowDays, ImpressionsPerDay, HoldbackShare, ExplorationShare,
        SplitMethod, SplitCandidates, Salt ?? DefaultSalt(Name, StartsOn), createdBy, at, PlannedConversions, SplitCovariates, TrafficShare,
        Layer, LayerFrom, LayerTo, ContactLimit, ContactDays, null, Segments, Guardrail.ToJson(Guardrails ?? []),
        Channel, ConsentPurpose, Filter is { Length: > 0 } ? FilterCondition.ToJson(Filter) : null, FilterReason);

    /// <summary>Lists whose elements are null: what a nullable annotation forbids there, the reader of JSON does not see.</summary>
    private CampaignFile RefuseNulls(string path)
    {
        (string Field, IEnumerable<object?>? Values)[] lists =
        [
            ("guardrails", Guardrails), ("filter", Filter), ("values", Filter?.OfType<FilterCondition>().SelectMany(condition => condition.Given)), ("segments", Segments), ("splitCovariates", SplitCovariates),
            ("controlSettings", ControlSettings?.Values), ("treatmentSettings", TreatmentSettings?.Values),
        ];
        return lists.FirstOrDefault(list => list.Values?.Contains(null) == true).Field is { } field
            ? throw new InputException($"{path} has a null among its {field}: leave it out, or say what it is; docs/campaigns.md has every field.") : this;
    }

    private CampaignFile RefuseUnequalQuotas()
    {
        var (control, treatment) = (ControlImpressionsPerDay ?? ImpressionsPerDay, TreatmentImpressionsPerDay ?? ImpressionsPerDay);
        return control == ImpressionsPerDay && treatment == ImpressionsPerDay ? this : throw new InputException(string.Create(CultureInfo.InvariantCulture,
            $"The arms' impressions a day differ ({control:N0} in the control, {treatment:N0} in the treatment, {ImpressionsPerDay:N0} asked for): policies are compared at equal impressions, so give impressionsPerDay alone."));
    }
}

/// <summary>A model line as a campaign's file names it.</summary>
/// <param name="Settings">null for none</param>
public sealed record LineDescription(string Network, Dictionary<string, string>? Settings)
{
    /// <param name="settings">JSON object of texts, as model_line keeps it</param>
    public static LineDescription Of(string network, string settings)
    {
        var given = JsonSerializer.Deserialize<Dictionary<string, string>>(settings)!;
        return new(network, given.Count == 0 ? null : new(given.OrderBy(setting => setting.Key, StringComparer.Ordinal)));
    }

    /// <summary>Lines of the same network with other settings are other lines.</summary>
    public string LineName => string.Join(' ', [Network, .. (Settings ?? []).OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}={s.Value}")]);
}
