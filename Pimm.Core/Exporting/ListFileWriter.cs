using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Pimm.Core.Queueing;

namespace Pimm.Core.Exporting;

/// <summary>Streams a list to a file; memory holds a buffer of it.</summary>
internal sealed class ListFileWriter : IAsyncDisposable
{
    private const int BufferBytes = 1 << 16;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ArrayBufferWriter<byte> buffer = new(2 * BufferBytes);
    private readonly List<byte> withoutLine = [];
    private readonly FileStream file;
    private long skipped;

    public ListFileWriter(string path, string header)
    {
        file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1);
        Encoding.UTF8.GetBytes(header, buffer);
    }

    public long Rows { get; private set; }

    /// <summary>A customer's line, or none where the channel could not tell who it is.</summary>
    public void Add(ListLines lines, ListRow row)
    {
        if (lines.TryWrite(row, buffer))
            Count();
        else
            Skip();
    }

    /// <summary>A line as it stands in another list.</summary>
    public void Add(string line)
    {
        Encoding.UTF8.GetBytes(line, buffer);
        buffer.Write("\n"u8);
        Count();
    }

    public void Skip()
    {
        var place = Rows + skipped++;
        while (withoutLine.Count <= place / 8)
            withoutLine.Add(0);
        withoutLine[(int)(place / 8)] |= (byte)(1 << (int)(place % 8));
    }

    /// <summary>Everything is on the disk when this returns.</summary>
    public FileFigures Finish()
    {
        Flush();
        FaultPoint.Reach("export.part-written");
        file.Flush(flushToDisk: true);
        return new FileFigures(Rows, skipped, file.Length, hash.GetHashAndReset(), withoutLine.Count == 0 ? null : [.. withoutLine]);
    }

    private void Count()
    {
        Rows++;
        if (buffer.WrittenCount >= BufferBytes)
            Flush();
    }

    private void Flush()
    {
        hash.AppendData(buffer.WrittenSpan);
        file.Write(buffer.WrittenSpan);
        buffer.ResetWrittenCount();
    }

    public ValueTask DisposeAsync()
    {
        hash.Dispose();
        return file.DisposeAsync();
    }
}
