using System.Buffers.Binary;
using System.Text.Json;

namespace Pimm.Core.Safetensors;

/// <summary>
/// Writes a safetensors file: the header at once, then the tensors' bytes in the order they were announced, in as many pieces as
/// the caller likes. <see cref="Complete"/> checks that exactly the announced bytes were written.
/// </summary>
public sealed class SafetensorsWriter
{
    // The data starts at a multiple of this, so that a mapped tensor can be read with aligned instructions.
    private const int Alignment = 64;

    private readonly Stream stream;
    private readonly long total;
    private long written;

    /// <param name="stream">Takes the file; stays open.</param>
    /// <param name="metadata">Free text by name.</param>
    /// <param name="tensors">Name, type and shape of every tensor in the order of their bytes.</param>
    public SafetensorsWriter(Stream stream, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<(string Name, SafetensorType Type, long[] Shape)> tensors)
    {
        this.stream = stream;
        var entries = Place(tensors);
        total = entries.Count == 0 ? 0 : entries[^1].Offset + entries[^1].Length;
        WriteHeader(metadata, entries);
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > total - written)
            throw new InvalidOperationException($"{written + bytes.Length} bytes were written, the header announced {total}.");
        stream.Write(bytes);
        written += bytes.Length;
    }

    public void Complete()
    {
        if (written != total)
            throw new InvalidOperationException($"{written} bytes were written, the header announced {total}.");
        stream.Flush();
    }

    private static List<SafetensorEntry> Place(IReadOnlyList<(string Name, SafetensorType Type, long[] Shape)> tensors)
    {
        var names = new HashSet<string>();
        var entries = new List<SafetensorEntry>(tensors.Count);
        long offset = 0;
        foreach (var (name, type, shape) in tensors)
        {
            if (name == "__metadata__" || !names.Add(name))
                throw new ArgumentException($"A tensor cannot be named {name}: the name is taken.");
            long length = shape.Aggregate((long)type.Size(), (product, dimension) => checked(product * dimension));
            if (shape.Any(dimension => dimension < 0))
                throw new ArgumentException($"Tensor {name} has the shape [{string.Join(",", shape)}]; no length may be negative.");
            entries.Add(new SafetensorEntry(name, type, shape, offset, length));
            offset += length;
        }
        return entries;
    }

    private void WriteHeader(IReadOnlyDictionary<string, string> metadata, List<SafetensorEntry> entries)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
            WriteJson(writer, metadata, entries);
        while ((json.Length + sizeof(ulong)) % Alignment != 0)
            json.WriteByte((byte)' ');
        if (json.Length > SafetensorsHeader.LongestHeader)
            throw new InvalidOperationException($"The header has {json.Length} bytes, {SafetensorsHeader.LongestHeader} are allowed: shorten the metadata.");

        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        stream.Write(length);
        json.WriteTo(stream);
    }

    private static void WriteJson(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> metadata, List<SafetensorEntry> entries)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("__metadata__");
        // Sorted, so that the same content gives the same bytes.
        foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
            writer.WriteString(key, value);
        writer.WriteEndObject();
        foreach (var entry in entries)
        {
            writer.WriteStartObject(entry.Name);
            writer.WriteString("dtype", entry.Type.ToString());
            WriteNumbers(writer, "shape", entry.Shape);
            WriteNumbers(writer, "data_offsets", [entry.Offset, entry.Offset + entry.Length]);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static void WriteNumbers(Utf8JsonWriter writer, string name, IEnumerable<long> numbers)
    {
        writer.WriteStartArray(name);
        foreach (long number in numbers)
            writer.WriteNumberValue(number);
        writer.WriteEndArray();
    }
}
