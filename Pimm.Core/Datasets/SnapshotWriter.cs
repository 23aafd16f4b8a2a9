using System.Runtime.InteropServices;
using System.Text.Json;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Safetensors;

namespace Pimm.Core.Datasets;

/// <summary>Writes a snapshot as a stream of rows; the file takes its name only on <see cref="Complete"/>.</summary>
internal sealed class SnapshotWriter : IDisposable
{
    private readonly string _path;
    private readonly string _unfinished;
    private readonly FileStream _file;
    private readonly SafetensorsWriter _arrays;
    private readonly RowLabels _rows;
    private readonly Split[] _splits;

    public SnapshotWriter(string path, FeatureMap map, RowLabels rows, IReadOnlyList<string> tasks, Split[] splits)
    {
        _path = path;
        _unfinished = path + ".unfinished";
        _rows = rows;
        _splits = splits;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        _file = new FileStream(_unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        var metadata = new Dictionary<string, string>
        {
            ["format"] = Snapshot.Format,
            ["tasks"] = JsonSerializer.Serialize(tasks),
            ["feature_map"] = map.ToJson(),
        };
        _arrays = new SafetensorsWriter(_file, metadata, Shapes(rows, map.Fields.Count));
        _arrays.Write(MemoryMarshal.AsBytes(rows.Times));
        _arrays.Write(MemoryMarshal.AsBytes(rows.Truth));
        _arrays.Write(MemoryMarshal.AsBytes(rows.Amounts));
        _arrays.Write(MemoryMarshal.AsBytes(rows.Customers));
    }

    public void Append(ReadOnlySpan<int> ids) => _arrays.Write(MemoryMarshal.AsBytes(ids));

    public void Complete()
    {
        _arrays.Write(_rows.Labels);
        _arrays.Write(MemoryMarshal.AsBytes<Split>(_splits));
        _arrays.Complete();
        _file.Flush(flushToDisk: true);
        _file.Dispose();
        File.Move(_unfinished, _path, overwrite: true);
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(_unfinished);
    }

    /// <summary>Widest elements first, so that each array is aligned to its own.</summary>
    private static List<(string Name, SafetensorType Type, long[] Shape)> Shapes(RowLabels rows, int fields)
    {
        var shapes = new List<(string Name, SafetensorType Type, long[] Shape)>();
        if (rows.Times.Length > 0)
        {
            shapes.Add((Snapshot.TimeArray, SafetensorType.I64, [rows.Rows]));
        }

        if (rows.Truth.Length > 0)
        {
            shapes.Add((Snapshot.TruthArray, SafetensorType.F64, [rows.Rows, rows.Tasks]));
        }

        if (rows.Amounts.Length > 0)
        {
            shapes.Add((Snapshot.AmountArray, SafetensorType.F32, [rows.Rows]));
        }

        if (rows.Customers.Length > 0)
        {
            shapes.Add((Snapshot.CustomerArray, SafetensorType.I32, [rows.Rows]));
        }

        shapes.Add((Snapshot.IdArray, SafetensorType.I32, [rows.Rows, fields]));
        shapes.Add((Snapshot.LabelArray, SafetensorType.U8, [rows.Rows, rows.Tasks]));
        shapes.Add((Snapshot.SplitArray, SafetensorType.U8, [rows.Rows]));
        return shapes;
    }
}
