using System.Text.Json.Nodes;
using Pimm.Core.Campaigns;

namespace Pimm.Web.Approvals;

/// <summary>One field of a definition as a person reads it.</summary>
/// <param name="Field">as the file calls it</param>
/// <param name="Label">English, to be translated</param>
public sealed record DefinitionField(string Field, string Label, string Value);

/// <summary>A campaign's description field by field, in words.</summary>
public static class DefinitionFields
{
    private static readonly (string Field, string Label)[] Labels =
    [
        ("name", "Name"), ("audience", "Audience"), ("control", "Control model"), ("controlSettings", "Its settings"), ("treatment", "Treatment model"), ("treatmentSettings", "Its settings"),
        ("startsOn", "First day"), ("days", "Days"), ("timeZone", "Time zone"), ("windowDays", "Window in days"), ("impressionsPerDay", "Impressions a day and arm"),
        ("holdbackShare", "Held back"), ("explorationShare", "Drawn at random"), ("splitMethod", "Split"), ("splitCandidates", "Candidate splits (R)"), ("splitCovariates", "Balanced on"),
        ("salt", "Salt"), ("plannedConversions", "Expected core conversions"), ("trafficShare", "Share of the audience"), ("layer", "Layer"), ("layerFrom", "Layer from"), ("layerTo", "Layer to"),
        ("contactLimit", "Contact limit"), ("contactDays", "Contact days"), ("segments", "Broken down by"), ("guardrails", "Guardrails"), ("channel", "Channel"), ("consentPurpose", "Consent asked for"),
    ];

    /// <summary>Every field that says something; one that nobody labelled yet is shown by its name.</summary>
    public static IReadOnlyList<DefinitionField> Of(CampaignFile file)
    {
        var json = (JsonObject)JsonNode.Parse(file.ToJson())!;
        return [.. json.Select(field => new DefinitionField(field.Key, Label(field.Key), Value(field.Key, field.Value))).Where(field => field.Value.Length > 0)
            .OrderBy(field => Array.FindIndex(Labels, label => label.Field == field.Field) is var place && place < 0 ? Labels.Length : place)];
    }

    public static string Label(string field) => Labels.FirstOrDefault(label => label.Field == field).Label ?? field;

    /// <summary>Of one field; a dash where it says nothing.</summary>
    public static string ValueOf(CampaignFile file, string field) =>
        Value(field, ((JsonObject)JsonNode.Parse(file.ToJson())!)[field]) is { Length: > 0 } value ? value : "–";

    /// <summary>One description out of two: fields of the second where they are named.</summary>
    public static CampaignFile Merge(CampaignFile theirs, CampaignFile yours, IEnumerable<string> mine)
    {
        var (merged, other) = ((JsonObject)JsonNode.Parse(theirs.ToJson())!, (JsonObject)JsonNode.Parse(yours.ToJson())!);
        foreach (var field in mine)
        {
            merged[field] = other[field]?.DeepClone();
        }
        foreach (var empty in merged.Where(field => field.Value is null).Select(field => field.Key).ToList())
        {
            merged.Remove(empty);
        }
        return CampaignFile.Parse(merged.ToJsonString(), "The description");
    }

    private static string Value(string field, JsonNode? value) => value switch
    {
        null => "",
        JsonArray list => string.Join(", ", list.Select(one => one is JsonObject guardrail ? string.Join(' ', guardrail.Select(pair => pair.Value)) : one?.ToString())),
        JsonObject settings => string.Join(", ", settings.Select(setting => $"{setting.Key} = {setting.Value}")),
        JsonValue number when field.EndsWith("Share", StringComparison.Ordinal) => Shared.Figures.Percent(number.GetValue<double>(), 0),
        JsonValue number when field is "impressionsPerDay" or "plannedConversions" => Shared.Figures.Count(number.GetValue<long>()),
        _ => value.ToString(),
    };
}
