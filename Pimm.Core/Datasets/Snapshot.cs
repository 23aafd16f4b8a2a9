using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using System.Text.Json;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Safetensors;

namespace Pimm.Core.Datasets;

/// <summary>
/// The packed, memory-mapped rows a run trains on, in safetensors layout: ids int32 [rows, fields], labels uint8
/// [rows, tasks], split uint8 [rows], and where given amount float32 [rows], time int64 [rows] and truth float64 [rows, tasks].
/// Reading allocates nothing; a span is valid until the snapshot is disposed. Safe to read from several threads.
/// </summary>
public sealed unsafe class Snapshot : IDisposable
{
    internal const string Format = "pimm.snapshot.1";
    internal const string IdArray = "ids";
    internal const string LabelArray = "labels";
    internal const string SplitArray = "split";
    internal const string AmountArray = "amount";
    internal const string TimeArray = "time";
    internal const string TruthArray = "truth";
    internal const string CustomerArray = "customer";

    private readonly SafetensorsReader _file;
    private readonly bool _temporary;
    private readonly int _fields;
    private readonly int _tasks;
    private readonly int* _ids;
    private readonly byte* _labels;
    private readonly byte* _splits;
    private readonly float* _amounts;
    private readonly long* _times;
    private readonly double* _truth;
    private readonly int* _customers;
    private readonly Lazy<string> _sha256;
    private bool _disposed;

    private Snapshot(SafetensorsReader file, string path, bool temporary)
    {
        _file = file;
        _temporary = temporary;
        Path = path;
        Rows = file.Entry(SplitArray).Elements;
        TaskNames = JsonSerializer.Deserialize<string[]>(file.Metadata["tasks"]) ?? [];
        FeatureMap = FeatureMap.FromJson(file.Metadata["feature_map"]);
        FieldNames = [.. FeatureMap.Fields.Select(one => one.Name)];
        (_fields, _tasks) = (FieldNames.Count, TaskNames.Count);
        _ids = Begin<int>(IdArray, _fields);
        _labels = Begin<byte>(LabelArray, _tasks);
        _splits = Begin<byte>(SplitArray, 1);
        _amounts = file.Contains(AmountArray) ? Begin<float>(AmountArray, 1) : null;
        _times = file.Contains(TimeArray) ? Begin<long>(TimeArray, 1) : null;
        _customers = file.Contains(CustomerArray) ? Begin<int>(CustomerArray, 1) : null;
        _truth = file.Contains(TruthArray) ? Begin<double>(TruthArray, _tasks) : null;
        _sha256 = new Lazy<string>(HashFile);
    }

    public string Path { get; }

    public long Rows { get; }

    /// <summary>Label columns in the order of the funnel.</summary>
    public IReadOnlyList<string> TaskNames { get; }

    public FeatureMap FeatureMap { get; }

    public IReadOnlyList<string> FieldNames { get; }

    /// <summary>Ids of field f run from 0 to VocabularySizes[f] exclusive.</summary>
    public IReadOnlyList<int> VocabularySizes => FeatureMap.VocabularySizes;

    public bool HasAmounts => _amounts is not null;

    public bool HasTimes => _times is not null;

    public bool HasCustomers => _customers is not null;

    public bool HasTruth => _truth is not null;

    /// <summary>SHA-256 of the file's bytes, 64 hexadecimal digits in lower case; the file is read once, on first use.</summary>
    public string Sha256 => _sha256.Value;

    /// <exception cref="InputException">no such file, or one that is no complete snapshot</exception>
    public static Snapshot Open(string path) => Open(path, temporary: false);

    /// <summary>Row-major ids of rows [row, row + rows), rows × fields.</summary>
    public ReadOnlySpan<int> Ids(long row, int rows) => new(_ids + (Checked(row, rows) * _fields), rows * _fields);

    /// <summary>Asks the processor for a row that will be read soon; nothing else.</summary>
    public void Fetch(long row)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        var ids = _ids + (Checked(row, 1) * _fields);
        Sse.Prefetch0(ids);
        Sse.Prefetch0(ids + _fields - 1);
        Sse.Prefetch0(_labels + (row * _tasks));
    }

    /// <summary>Row-major labels, 0 or 1, of rows [row, row + rows), rows × tasks.</summary>
    public ReadOnlySpan<byte> Labels(long row, int rows) => new(_labels + (Checked(row, rows) * _tasks), rows * _tasks);

    /// <summary>Amounts of rows [row, row + rows); <see cref="HasAmounts"/> says whether there are any.</summary>
    public ReadOnlySpan<float> Amounts(long row, int rows) => HasAmounts
        ? new(_amounts + Checked(row, rows), rows)
        : throw new InvalidOperationException("The snapshot was built without an amount column.");

    /// <summary>Times of rows [row, row + rows): whole numbers as in the file, or Unix microseconds.</summary>
    public ReadOnlySpan<long> Times(long row, int rows) => HasTimes
        ? new(_times + Checked(row, rows), rows)
        : throw new InvalidOperationException("The snapshot was built without a time column.");

    /// <summary>
    /// Row-major true probabilities, 0 … 1, of rows [row, row + rows), rows × tasks; <see cref="HasTruth"/> says whether there
    /// are any, which only a simulation knows.
    /// </summary>
    public ReadOnlySpan<double> Truth(long row, int rows) => HasTruth
        ? new(_truth + (Checked(row, rows) * _tasks), rows * _tasks)
        : throw new InvalidOperationException("The snapshot was built without true probabilities.");

    /// <summary>Numbers of the customers of rows [row, row + rows); <see cref="HasCustomers"/> says whether there are any.</summary>
    public ReadOnlySpan<int> Customers(long row, int rows) => HasCustomers
        ? new(_customers + Checked(row, rows), rows)
        : throw new InvalidOperationException("The snapshot was built without a customer column.");

    public Split SplitOf(long row) => (Split)_splits[Checked(row, 1)];

    /// <summary>The rows of one part, ascending.</summary>
    public int[] RowsOf(Split split)
    {
        var rows = new List<int>();
        for (var row = 0; row < checked((int)Rows); row++)
        {
            if (SplitOf(row) == split)
            {
                rows.Add(row);
            }
        }

        return [.. rows];
    }

    /// <summary>Row-major ids of some rows, rows × fields, copied.</summary>
    public int[] IdsOf(ReadOnlySpan<int> rows)
    {
        var ids = new int[rows.Length * _fields];
        for (var at = 0; at < rows.Length; at++)
        {
            Ids(rows[at], 1).CopyTo(ids.AsSpan(at * _fields));
        }

        return ids;
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _file.Dispose();
        if (_temporary)
        {
            File.Delete(Path);
        }
    }

    internal static Snapshot Open(string path, bool temporary)
    {
        var file = SafetensorsReader.Open(path);
        try
        {
            return file.Metadata.GetValueOrDefault("format") == Format
                ? new Snapshot(file, path, temporary)
                : throw new InputException($"'{path}' is no snapshot of the format {Format}; build it again.");
        }
        catch (Exception wrong) when (wrong is JsonException or KeyNotFoundException)
        {
            file.Dispose();
            throw new InputException($"'{path}' is no complete snapshot: {wrong.Message} Build it again.", wrong);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The map of a file does not move, so a pointer stays right until the reader is disposed.</summary>
    private T* Begin<T>(string name, int columns) where T : unmanaged
    {
        var entry = _file.Entry(name);
        var shaped = entry.Shape is [var rows, ..] && rows == Rows && entry.Elements == Rows * columns;
        return shaped
            ? (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(_file.Elements<T>(name, 0, Math.Min(entry.Elements, 1))))
            : throw new InputException($"'{Path}' is no complete snapshot: its array {entry} is not {Rows} rows of {columns}; build it again.");
    }

    private string HashFile()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using var bytes = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    private long Checked(long row, int rows)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(row + rows, Rows);
        return row;
    }
}
