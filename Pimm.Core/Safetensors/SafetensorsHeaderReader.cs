using System.Text.Json;

namespace Pimm.Core.Safetensors;

/// <summary>Reads the header's JSON and accepts exactly what the format allows: no unknown or repeated field, no other type.</summary>
internal sealed class SafetensorsHeaderReader(string source)
{
    private const string MetadataName = "__metadata__";
    private const int MostDimensions = 32;

    private readonly HashSet<string> names = [];

    public (Dictionary<string, string> Metadata, List<SafetensorEntry> Entries) Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
        var metadata = new Dictionary<string, string>();
        var entries = new List<SafetensorEntry>();
        Expect(ref reader, JsonTokenType.StartObject, "the header");
        while (NextName(ref reader) is { } name)
        {
            if (!names.Add(name))
                throw new InputException($"{source} is damaged: its header names {name} twice.");
            if (name == MetadataName)
                ReadMetadata(ref reader, metadata);
            else
                entries.Add(ReadEntry(ref reader, name));
        }
        reader.Read(); // Nothing but white space may follow; anything else is a JsonException.
        return (metadata, entries);
    }

    private void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        Expect(ref reader, JsonTokenType.StartObject, MetadataName);
        while (NextName(ref reader) is { } key)
        {
            Expect(ref reader, JsonTokenType.String, $"{MetadataName}.{key}");
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw new InputException($"{source} is damaged: its metadata names {key} twice.");
        }
    }

    private SafetensorEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        SafetensorType? type = null;
        List<long>? shape = null, place = null;
        Expect(ref reader, JsonTokenType.StartObject, name);
        while (NextName(ref reader) is { } field)
        {
            switch (field)
            {
                case "dtype" when type is null:
                    type = ReadType(ref reader, name);
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, $"the shape of tensor {name}", MostDimensions);
                    break;
                case "data_offsets" when place is null:
                    place = ReadNumbers(ref reader, $"the place of tensor {name}", 2);
                    break;
                default:
                    throw new InputException($"{source} is damaged: tensor {name} has the field {field} twice, or the format does not know it.");
            }
        }
        return Checked(name, type, shape, place);
    }

    private SafetensorEntry Checked(string name, SafetensorType? type, List<long>? shape, List<long>? place)
    {
        if (type is not { } known || shape is null || place is not [var begin, var end])
            throw new InputException($"{source} is damaged: tensor {name} lacks its dtype, its shape or its two data_offsets.");
        if (end < begin)
            throw new InputException($"{source} is damaged: tensor {name} ends at byte {end}, before it begins at {begin}.");
        var needed = (UInt128)known.Size();
        foreach (long length in shape)
        {
            // Beyond any file already; without the bound a product of many lengths would overflow.
            needed = needed <= long.MaxValue ? needed * (ulong)length : needed;
        }
        if (needed != (ulong)(end - begin))
            throw new InputException($"{source} is damaged: tensor {name} has {end - begin} bytes, its shape [{string.Join(",", shape)}] of {known} needs {(needed > long.MaxValue ? "more than a file can hold" : needed)}.");
        return new SafetensorEntry(name, known, shape, begin, end - begin);
    }

    private SafetensorType ReadType(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.String, $"the dtype of tensor {name}");
        string text = reader.GetString()!;
        // Enum.TryParse alone would also take numbers and other cases.
        return Enum.TryParse(text, out SafetensorType type) && type.ToString() == text
            ? type
            : throw new InputException($"{source} cannot be read: tensor {name} has the type {text}; known are {string.Join(", ", Enum.GetNames<SafetensorType>())}.");
    }

    private List<long> ReadNumbers(ref Utf8JsonReader reader, string what, int most)
    {
        var numbers = new List<long>();
        Expect(ref reader, JsonTokenType.StartArray, what);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
                throw new InputException($"{source} is damaged: {what} has an element that is not a whole number from 0 to {long.MaxValue}.");
            if (numbers.Count == most)
                throw new InputException($"{source} is damaged: {what} has more than {most} elements.");
            numbers.Add(number);
        }
        return numbers;
    }

    private static string? NextName(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.PropertyName ? reader.GetString() : null;
    }

    private void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw new InputException($"{source} is damaged: {what} is not {Word(type)}.");
    }

    private static string Word(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        _ => "a text",
    };
}
