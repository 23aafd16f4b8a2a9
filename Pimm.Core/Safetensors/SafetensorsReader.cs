using System.Runtime.InteropServices;
using System.Text;

namespace Pimm.Core.Safetensors;

/// <summary>
/// The tensors of a safetensors file (memory-mapped) or of bytes in memory. The header is checked completely on opening;
/// every fault is an <see cref="InputException"/> with one sentence. Spans are valid until the reader is disposed, and a mapped
/// file must not be shortened while it is read.
/// </summary>
public sealed class SafetensorsReader : IDisposable
{
    private readonly string source;
    private readonly SafetensorsContent content;
    private readonly SafetensorsHeader header;
    private readonly Dictionary<string, SafetensorEntry> byName;

    private SafetensorsReader(string source, SafetensorsContent content)
    {
        this.source = source;
        this.content = content;
        int length = SafetensorsHeader.ReadLength(content.Span(0, (int)Math.Min(content.Length, sizeof(ulong))), content.Length, source);
        header = SafetensorsHeader.Parse(content.Span(sizeof(ulong), length), content.Length - sizeof(ulong) - length, source);
        byName = header.Entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
    }

    /// <summary>Free text by name, as the writer gave it.</summary>
    public IReadOnlyDictionary<string, string> Metadata => header.Metadata;

    /// <summary>In the order of their bytes in the file.</summary>
    public IReadOnlyList<SafetensorEntry> Entries => header.Entries;

    public static SafetensorsReader Open(string path)
    {
        SafetensorsContent content;
        try
        {
            content = SafetensorsContent.Map(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} cannot be opened: {failure.Message}", failure);
        }
        return Checked(path, content);
    }

    /// <param name="bytes">The whole file; must not change while the reader is used.</param>
    /// <param name="source">What error sentences call it.</param>
    public static SafetensorsReader Parse(ReadOnlyMemory<byte> bytes, string source) => Checked(source, SafetensorsContent.Of(bytes));

    public bool Contains(string name) => byName.ContainsKey(name);

    /// <summary>Throws <see cref="InputException"/> where the file has no such tensor.</summary>
    public SafetensorEntry Entry(string name) => byName.TryGetValue(name, out var entry)
        ? entry
        : throw new InputException($"{source} has no tensor {name}; it has {Listed()}.");

    /// <summary>All bytes of a tensor of up to 2 GiB.</summary>
    public ReadOnlySpan<byte> Bytes(string name) => Bytes(Entry(name), 0, Entry(name).Length);

    /// <summary>All elements of a tensor of up to 2 GiB, which must be of type <typeparamref name="T"/>.</summary>
    public ReadOnlySpan<T> Elements<T>(string name) where T : unmanaged => Elements<T>(name, 0, Entry(name).Elements);

    /// <summary>Elements <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/>, in row-major order.</summary>
    public ReadOnlySpan<T> Elements<T>(string name, long start, long count) where T : unmanaged
    {
        var entry = Entry(name);
        if (entry.Type != SafetensorTypes.Of<T>())
            throw new InputException($"{source} has tensor {entry} where elements of type {SafetensorTypes.Of<T>()} are expected.");
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, entry.Elements);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, entry.Elements - start);
        int size = entry.Type.Size();
        return MemoryMarshal.Cast<byte, T>(Bytes(entry, start * size, count * size));
    }

    /// <summary>Throws where a tensor holds a NaN or an infinity: weights with one answer nonsense for everybody.</summary>
    public void RequireFinite()
    {
        foreach (var entry in Entries)
        {
            bool finite = entry.Type switch
            {
                SafetensorType.F32 => Finite<float>(entry),
                SafetensorType.F64 => Finite<double>(entry),
                SafetensorType.F16 => Finite<Half>(entry),
                _ => true,
            };
            if (!finite)
                throw new InputException($"{source} cannot be used: tensor {entry.Name} holds a value that is not finite; train the model again.");
        }
    }

    public void Dispose() => content.Dispose();

    private static SafetensorsReader Checked(string source, SafetensorsContent content)
    {
        try
        {
            return new SafetensorsReader(source, content);
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    private ReadOnlySpan<byte> Bytes(SafetensorEntry entry, long start, long length)
    {
        if (length > Array.MaxLength)
            throw new InputException($"{source}: tensor {entry} has {length} bytes, more than can be read at once ({Array.MaxLength}); read it in parts.");
        return content.Span(sizeof(ulong) + header.Length + entry.Offset + start, (int)length);
    }

    private bool Finite<T>(SafetensorEntry entry) where T : unmanaged, System.Numerics.INumberBase<T>
    {
        const long Part = 1 << 24;
        for (long start = 0; start < entry.Elements; start += Part)
        {
            foreach (var number in Elements<T>(entry.Name, start, Math.Min(Part, entry.Elements - start)))
            {
                if (!T.IsFinite(number))
                    return false;
            }
        }
        return true;
    }

    private string Listed()
    {
        const int Most = 8;
        var text = new StringBuilder().AppendJoin(", ", Entries.Take(Most).Select(e => e.Name));
        return Entries.Count == 0 ? "none" : Entries.Count > Most ? $"{text} and {Entries.Count - Most} more" : text.ToString();
    }
}
