namespace Pimm.Core.Safetensors;

/// <summary>A tensor to be written: its bytes lie in row-major order, little-endian.</summary>
public sealed record SafetensorData(string Name, SafetensorType Type, long[] Shape, ReadOnlyMemory<byte> Bytes);

/// <summary>Whole safetensors files.</summary>
public static class SafetensorsFile
{
    /// <summary>
    /// Writes beside the path, forces it to the disk and renames: the path holds either what it held or the whole new file.
    /// </summary>
    public static void Write(string path, IReadOnlyDictionary<string, string> metadata, IEnumerable<SafetensorData> tensors)
    {
        string part = path + ".part";
        using (var stream = new FileStream(part, FileMode.Create, FileAccess.Write))
        {
            Write(stream, metadata, tensors);
            stream.Flush(flushToDisk: true);
        }
        DurableFile.Rename(part, path);
    }

    /// <summary>Wider elements come first, so that every tensor lies at a multiple of its element's size.</summary>
    public static void Write(Stream stream, IReadOnlyDictionary<string, string> metadata, IEnumerable<SafetensorData> tensors)
    {
        var ordered = tensors.OrderByDescending(t => t.Type.Size()).ToList();
        var writer = new SafetensorsWriter(stream, metadata, ordered.Select(t => (t.Name, t.Type, t.Shape)).ToList());
        foreach (var tensor in ordered)
            writer.Write(tensor.Bytes.Span);
        writer.Complete();
    }
}
