using System.Runtime.InteropServices;
using Pimm.Core.FeatureEncoding;

namespace Pimm.Core.Datasets;

/// <summary>Writes a snapshot as a stream of rows; the file takes its name only on <see cref="Complete"/>.</summary>
internal sealed class SnapshotWriter : IDisposable
{
    private readonly string _path;
    private readonly string _unfinished;
    private readonly FileStream _file;
    private readonly RowLabels _rows;
    private readonly Split[] _splits;

    public SnapshotWriter(string path, FeatureMap map, RowLabels rows, IReadOnlyList<string> tasks, Split[] splits)
    {
        _path = path;
        _unfinished = path + ".unfinished";
        _rows = rows;
        _splits = splits;
        _file = new FileStream(_unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        _file.Write(new SnapshotLayout(rows.Rows, tasks, map, rows.Amounts.Length > 0, rows.Times.Length > 0).Header());
        _file.Write(MemoryMarshal.AsBytes(rows.Times));
        _file.Write(MemoryMarshal.AsBytes(rows.Amounts));
    }

    public void Append(ReadOnlySpan<int> ids) => _file.Write(MemoryMarshal.AsBytes(ids));

    public void Complete()
    {
        _file.Write(_rows.Labels);
        _file.Write(MemoryMarshal.AsBytes<Split>(_splits));
        _file.Flush(flushToDisk: true);
        _file.Dispose();
        File.Move(_unfinished, _path, overwrite: true);
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(_unfinished);
    }
}
