using System.Text.Json.Nodes;

namespace Pimm.Web.Audit;

/// <summary>A field of what an entry is about, before and after.</summary>
/// <param name="Before">null: it was not there, or the entry does not say</param>
public sealed record FieldChange(string Field, string? Before, string? After)
{
    public static IReadOnlyList<FieldChange> Of(string? before, string? after)
    {
        var (was, becomes) = (Fields(before), Fields(after));
        return [.. was.Keys.Union(becomes.Keys, StringComparer.Ordinal).Select(name => new FieldChange(name, was.GetValueOrDefault(name), becomes.GetValueOrDefault(name)))];
    }

    private static Dictionary<string, string> Fields(string? json) => json is null ? [] : JsonNode.Parse(json) switch
    {
        JsonObject record => record.ToDictionary(field => field.Key, field => Text(field.Value), StringComparer.Ordinal),
        var other => new Dictionary<string, string>(StringComparer.Ordinal) { [""] = Text(other) },
    };

    private static string Text(JsonNode? value) => value switch
    {
        null => "–",
        JsonValue plain when plain.TryGetValue<string>(out var text) => text,
        _ => value.ToJsonString(new System.Text.Json.JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }),
    };
}
