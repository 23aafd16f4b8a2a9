using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pimm.Core.Auditing;

/// <summary>Records as the log keeps them: camelCase JSON without secrets and identifiers, whatever the record holds.</summary>
internal static class AuditJson
{
    public const string Hidden = "•••";

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly HashSet<string> Secrets = new(StringComparer.OrdinalIgnoreCase)
    {
        "password", "passwordHash", "securityStamp", "secret", "sealedSecret", "sealed", "token", "authorization", "keyHash", "hash",
        "customerKey", "customerRef", "externalId", "identifier", "email", "phone", "firstName", "lastName", "zip", "maid",
    };

    public static JsonNode? Of(object? record) => record is null ? null : Cleaned("", JsonSerializer.SerializeToNode(record, Format));

    /// <summary>With everything in it, for comparing only; empty for null.</summary>
    public static JsonObject Raw(object? record) => record is null ? [] : JsonSerializer.SerializeToNode(record, Format) as JsonObject ?? [];

    public static string? Text(object? record) => Of(record)?.ToJsonString(Format);

    private static JsonNode? Cleaned(string name, JsonNode? node) => node switch
    {
        null => null,
        _ when Secrets.Contains(name) => JsonValue.Create(Hidden),
        JsonObject fields => new JsonObject(fields.Select(field => KeyValuePair.Create(WithoutNul(field.Key), Cleaned(field.Key, field.Value)))),
        JsonArray items => new JsonArray([.. items.Select(item => Cleaned(name, item))]),
        JsonValue value when value.TryGetValue<string>(out var text) => JsonValue.Create(WithoutNul(text)),
        _ => node.DeepClone(),
    };

    // PostgreSQL's text holds none.
    public static string WithoutNul(string text) => text.Replace('\0', '\uFFFD');
}
