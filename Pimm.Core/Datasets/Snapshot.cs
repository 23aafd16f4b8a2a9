using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text.Json;
using Pimm.Core.FeatureEncoding;

namespace Pimm.Core.Datasets;

/// <summary>
/// The packed, memory-mapped rows a run trains on, in safetensors layout: ids int32 [rows, fields], labels uint8
/// [rows, tasks], split uint8 [rows], and where given amount float32 [rows] and time int64 [rows]. Reading allocates
/// nothing; a span is valid until the snapshot is disposed. Safe to read from several threads.
/// </summary>
public sealed unsafe class Snapshot : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _bytes;
    private readonly bool _temporary;
    private readonly int* _ids;
    private readonly byte* _labels;
    private readonly byte* _split;
    private readonly float* _amounts;
    private readonly long* _times;

    private Snapshot(string path, bool temporary)
    {
        Path = path;
        _temporary = temporary;
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _bytes);
        var length = new FileInfo(path).Length;
        var header = length < 8 ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(_bytes, 8));
        Require(header is > 0 and < 1 << 30 && (long)header + 8 <= length, "its header is cut off");
        using var json = JsonDocument.Parse(new ReadOnlySpan<byte>(_bytes + 8, (int)header).ToArray());
        var metadata = json.RootElement.GetProperty("__metadata__");
        Require(metadata.GetProperty("format").GetString() == SnapshotLayout.Format, "its format is another one");
        TaskNames = JsonSerializer.Deserialize<string[]>(metadata.GetProperty("tasks").GetString()!)!;
        FeatureMap = FeatureMap.FromJson(metadata.GetProperty("feature_map").GetString()!);
        Rows = json.RootElement.GetProperty("split").GetProperty("shape")[0].GetInt64();
        var data = new Arrays(json.RootElement, 8 + (long)header, length, this);
        _ids = (int*)data.Find("ids", "I32", 4L * FieldCount);
        _labels = data.Find("labels", "U8", TaskNames.Count);
        _split = data.Find("split", "U8", 1);
        _amounts = (float*)data.FindOptional("amount", "F32", 4);
        _times = (long*)data.FindOptional("time", "I64", 8);
    }

    public string Path { get; }

    public long Rows { get; }

    /// <summary>Label columns in the order of the funnel.</summary>
    public IReadOnlyList<string> TaskNames { get; }

    public FeatureMap FeatureMap { get; }

    public IReadOnlyList<string> FieldNames => [.. FeatureMap.Fields.Select(one => one.Name)];

    /// <summary>Ids of field f run from 0 to VocabularySizes[f] exclusive.</summary>
    public IReadOnlyList<int> VocabularySizes => FeatureMap.VocabularySizes;

    public bool HasAmounts => _amounts is not null;

    public bool HasTimes => _times is not null;

    private int FieldCount => FeatureMap.Fields.Count;

    /// <exception cref="InputException">no such file, or one that is no complete snapshot</exception>
    public static Snapshot Open(string path) => Open(path, temporary: false);

    /// <summary>Row-major ids of rows [row, row + rows), rows × fields.</summary>
    public ReadOnlySpan<int> Ids(long row, int rows) => new(_ids + (Checked(row, rows) * FieldCount), rows * FieldCount);

    /// <summary>Row-major labels, 0 or 1, of rows [row, row + rows), rows × tasks.</summary>
    public ReadOnlySpan<byte> Labels(long row, int rows) => new(_labels + (Checked(row, rows) * TaskNames.Count), rows * TaskNames.Count);

    /// <summary>Amounts of rows [row, row + rows); <see cref="HasAmounts"/> says whether there are any.</summary>
    public ReadOnlySpan<float> Amounts(long row, int rows) => HasAmounts
        ? new(_amounts + Checked(row, rows), rows)
        : throw new InvalidOperationException("The snapshot was built without an amount column.");

    /// <summary>Times of rows [row, row + rows): whole numbers as in the file, or Unix microseconds.</summary>
    public ReadOnlySpan<long> Times(long row, int rows) => HasTimes
        ? new(_times + Checked(row, rows), rows)
        : throw new InvalidOperationException("The snapshot was built without a time column.");

    public Split SplitOf(long row) => (Split)_split[Checked(row, 1)];

    /// <summary>The rows of one part, ascending.</summary>
    public int[] RowsOf(Split split)
    {
        var rows = new List<int>();
        for (var row = 0; row < checked((int)Rows); row++)
        {
            if (_split[row] == (byte)split)
            {
                rows.Add(row);
            }
        }

        return [.. rows];
    }

    /// <summary>Copies any rows, in the order asked for, into a batch.</summary>
    /// <param name="rows">row numbers</param>
    /// <param name="ids">rows × fields</param>
    /// <param name="labels">rows × tasks</param>
    public void Gather(ReadOnlySpan<int> rows, Span<int> ids, Span<byte> labels)
    {
        var (fields, tasks) = (FieldCount, TaskNames.Count);
        for (var place = 0; place < rows.Length; place++)
        {
            Ids(rows[place], 1).CopyTo(ids[(place * fields)..]);
            Labels(rows[place], 1).CopyTo(labels[(place * tasks)..]);
        }
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
        if (_temporary)
        {
            File.Delete(Path);
        }
    }

    internal static Snapshot Open(string path, bool temporary)
    {
        try
        {
            return new Snapshot(path, temporary);
        }
        catch (Exception wrong) when (wrong is IOException or JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw new InputException($"'{path}' cannot be read as a snapshot: {wrong.Message}", wrong);
        }
    }

    private long Checked(long row, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(row + rows, Rows);
        return row;
    }

    private void Require(bool fits, string what)
    {
        if (!fits)
        {
            throw new InputException($"'{Path}' is no complete snapshot: {what}; build it again.");
        }
    }

    /// <summary>The arrays of the header, each checked against the file's length before a pointer is made of it.</summary>
    private sealed class Arrays(JsonElement header, long dataBegin, long fileLength, Snapshot owner)
    {
        public byte* FindOptional(string name, string type, long rowBytes) =>
            header.TryGetProperty(name, out _) ? Find(name, type, rowBytes) : null;

        public byte* Find(string name, string type, long rowBytes)
        {
            var entry = header.GetProperty(name);
            var offsets = entry.GetProperty("data_offsets");
            var (begin, end) = (offsets[0].GetInt64(), offsets[1].GetInt64());
            owner.Require(entry.GetProperty("dtype").GetString() == type && begin >= 0 && end - begin == owner.Rows * rowBytes
                && end <= fileLength - dataBegin, $"the array '{name}' does not fit the file");
            return owner._bytes + dataBegin + begin;
        }
    }
}
