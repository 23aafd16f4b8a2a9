using System.Buffers.Binary;
using System.Text.Json;

namespace Pimm.Core.Safetensors;

/// <summary>
/// The header of a safetensors file, checked completely before anything else is read: 8 bytes of length (little-endian),
/// then JSON that names every tensor with type, shape and place. Whoever made the file is not trusted.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The format's own bound.</summary>
    public const int LongestHeader = 100_000_000;

    private SafetensorsHeader(int length, Dictionary<string, string> metadata, List<SafetensorEntry> entries)
    {
        Length = length;
        Metadata = metadata;
        Entries = entries;
    }

    /// <summary>Bytes of the JSON, without the 8 before it.</summary>
    public int Length { get; }

    public Dictionary<string, string> Metadata { get; }

    /// <summary>In the order of their bytes.</summary>
    public List<SafetensorEntry> Entries { get; }

    /// <summary>Bytes the JSON must have, from the file's first 8 bytes.</summary>
    public static int ReadLength(ReadOnlySpan<byte> start, long fileLength, string source)
    {
        if (fileLength < sizeof(ulong))
            throw new InputException($"{source} is not a safetensors file: it has {fileLength} bytes, at least 8 are needed; save or copy it again.");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (length > LongestHeader)
            throw new InputException($"{source} is not a safetensors file: its header would have {length} bytes, {LongestHeader} are allowed.");
        if ((long)length > fileLength - sizeof(ulong))
            throw new InputException($"{source} is truncated: its header has {length} bytes, {fileLength - sizeof(ulong)} are there; save or copy it again.");
        return (int)length;
    }

    /// <summary>Reads and checks the JSON; <paramref name="dataLength"/> is the number of bytes behind it.</summary>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength, string source)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
            throw new InputException($"{source} is not a safetensors file: its header does not begin with an opening brace.");
        try
        {
            var (metadata, entries) = new SafetensorsHeaderReader(source).Read(json);
            CheckPlaces(entries, dataLength, source);
            return new SafetensorsHeader(json.Length, metadata, entries);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            throw new InputException($"{source} has a header that is not valid JSON: {failure.Message}", failure);
        }
    }

    // Every byte belongs to exactly one tensor: no gap hides data, no overlap lets one tensor change another.
    private static void CheckPlaces(List<SafetensorEntry> entries, long dataLength, string source)
    {
        entries.Sort((a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.Length.CompareTo(b.Length));
        long end = 0;
        foreach (var entry in entries)
        {
            if (entry.Offset < end)
                throw new InputException($"{source} is damaged: tensor {entry.Name} begins at byte {entry.Offset}, inside the tensor before it, which ends at {end}.");
            if (entry.Offset > end)
                throw new InputException($"{source} is damaged: {entry.Offset - end} bytes before tensor {entry.Name} belong to no tensor.");
            if (entry.Length > dataLength - entry.Offset)
                throw new InputException($"{source} is truncated: tensor {entry.Name} ends at byte {entry.Offset + entry.Length}, the data at {dataLength}; save or copy it again.");
            end = entry.Offset + entry.Length;
        }
        if (end != dataLength)
            throw new InputException($"{source} is damaged: {dataLength - end} bytes follow the last tensor.");
    }
}
