using System.Text.Json.Nodes;

namespace Pimm.Core.Auditing;

/// <summary>The fields in which two states of a record differ; secrets show that they changed, not what they are.</summary>
/// <param name="Before">the changed fields as they were; null: nothing changed</param>
/// <param name="After">likewise, as they are</param>
public sealed record AuditDiff(JsonObject? Before, JsonObject? After)
{
    public bool IsEmpty => Before is null && After is null;

    /// <param name="before">a record; null: there was none</param>
    /// <param name="after">a record; null: there is none any more</param>
    public static AuditDiff Of(object? before, object? after)
    {
        var (was, becomes) = (Fields(before), Fields(after));
        var (raw, rawAfter) = (AuditJson.Raw(before), AuditJson.Raw(after));
        var changed = raw.Select(field => field.Key).Union(rawAfter.Select(field => field.Key), StringComparer.Ordinal)
            .Where(name => !JsonNode.DeepEquals(raw[name], rawAfter[name])).ToList();
        return new AuditDiff(Some(was, changed), Some(becomes, changed));
    }

    private static JsonObject Fields(object? record) => AuditJson.Of(record) as JsonObject ?? [];

    private static JsonObject? Some(JsonObject fields, IReadOnlyList<string> names)
    {
        var some = names.Where(fields.ContainsKey).Select(name => KeyValuePair.Create(name, fields[name]?.DeepClone())).ToList();
        return some.Count == 0 ? null : new JsonObject(some);
    }
}
