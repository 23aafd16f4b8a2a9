using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pimm.Core.FeatureEncoding;

/// <summary>The feature map as it is saved: {"version":1,"fields":[{"name","kind","vocabulary"|"edges"}]}, one text for one map.</summary>
internal static class FeatureMapJson
{
    private const int Version = 1;

    public static string Write(FeatureMap map)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteStartArray("fields");
            foreach (var field in map.Fields)
            {
                Write(field, json);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    public static FeatureMap Read(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            var version = json.RootElement.GetProperty("version").GetInt32();
            return version == Version
                ? new FeatureMap([.. json.RootElement.GetProperty("fields").EnumerateArray().Select(ReadField)])
                : throw new InputException($"The feature map has version {version}; this program reads version {Version}.");
        }
        catch (Exception wrong) when (wrong is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InputException($"The feature map cannot be read: {wrong.Message}", wrong);
        }
    }

    private static void Write(FeatureField field, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("name", field.Name);
        json.WriteString("kind", field.Kind == FieldKind.Numeric ? "numeric" : "categorical");
        json.WriteStartArray(field.Kind == FieldKind.Numeric ? "edges" : "vocabulary");
        foreach (var edge in field.Edges)
        {
            json.WriteNumberValue(edge);
        }

        foreach (var word in field.Vocabulary)
        {
            json.WriteStringValue(word);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static FeatureField ReadField(JsonElement field)
    {
        var name = field.GetProperty("name").GetString() ?? throw new FormatException("a field without a name.");
        return field.GetProperty("kind").GetString() switch
        {
            "numeric" => FeatureField.Numeric(name, [.. field.GetProperty("edges").EnumerateArray().Select(edge => edge.GetDouble())]),
            "categorical" => FeatureField.Categorical(name, [.. field.GetProperty("vocabulary").EnumerateArray().Select(word => word.GetString() ?? "")]),
            var kind => throw new FormatException($"the field '{name}' has the kind '{kind}', not numeric or categorical."),
        };
    }
}
