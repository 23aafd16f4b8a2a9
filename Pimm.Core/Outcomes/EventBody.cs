using System.Globalization;
using System.Text.Json;

namespace Pimm.Core.Outcomes;

/// <summary>The body of a request cut into its events, without a copy.</summary>
public static class EventBody
{
    /// <summary>Events nest nothing: whatever is deeper is no event.</summary>
    internal static readonly JsonReaderOptions Json = new() { MaxDepth = 8 };

    /// <summary>Of <c>{"events": […]}</c>.</summary>
    /// <exception cref="InputException">the body is no JSON, or not of this form</exception>
    public static IReadOnlyList<ReadOnlyMemory<byte>> OfDocument(ReadOnlyMemory<byte> body)
    {
        try
        {
            return Split(body);
        }
        catch (JsonException e)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"The body is no JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}): send {{\"events\": […]}}, or one event a line as application/x-ndjson."), e);
        }
    }

    /// <summary>Of one event a line; empty lines are none. What is no JSON is a bad event and spoils no other.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> OfLines(ReadOnlyMemory<byte> body)
    {
        var events = new List<ReadOnlyMemory<byte>>();
        while (!body.IsEmpty)
        {
            var end = body.Span.IndexOf((byte)'\n');
            var line = end < 0 ? body : body[..end];
            body = end < 0 ? ReadOnlyMemory<byte>.Empty : body[(end + 1)..];
            if (!line.Span.Trim(" \t\r"u8).IsEmpty)
            {
                events.Add(line);
            }
        }
        return events;
    }

    private static List<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> body)
    {
        var reader = new Utf8JsonReader(body.Span, Json);
        List<ReadOnlyMemory<byte>>? events = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw NoEvents();
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (events is not null || !reader.ValueTextEquals("events"u8) || !reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            {
                throw NoEvents();
            }
            events = [];
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                var start = reader.TokenStartIndex;
                reader.Skip();
                events.Add(body[checked((int)start)..checked((int)reader.BytesConsumed)]);
            }
        }
        // Whatever follows the document is an error of the JSON.
        reader.Read();
        return events ?? throw NoEvents();
    }

    private static InputException NoEvents() => new("The body is not of the form {\"events\": […]} with nothing beside the list: send that, or one event a line as application/x-ndjson.");
}
