using System.Buffers.Binary;
using System.Text;

namespace Pimm.Core.Database;

/// <summary>
/// Rows in the binary format of COPY (PostgreSQL 15, "COPY", Binary Format): a value's .NET type is the column's type, so short is
/// smallint, int integer, long bigint, float real, double double precision, Guid uuid, and so on. Rows go on in blocks, whole.
/// </summary>
public sealed class CopyWriter
{
    private const int BlockBytes = 65_536;

    private readonly Stream stream;
    private byte[] block = new byte[BlockBytes + 4_096];
    private int length;
    private int row = -1;
    private short columns;

    internal CopyWriter(Stream stream)
    {
        this.stream = stream;
        CopyFormat.Signature.CopyTo(block);
        length = CopyFormat.HeaderBytes;
    }

    /// <summary>Begun so far.</summary>
    internal long Rows { get; private set; }

    public void Write(bool value) => Field(1)[0] = value ? (byte)1 : (byte)0;

    public void Write(short value) => BinaryPrimitives.WriteInt16BigEndian(Field(sizeof(short)), value);

    public void Write(int value) => BinaryPrimitives.WriteInt32BigEndian(Field(sizeof(int)), value);

    public void Write(long value) => BinaryPrimitives.WriteInt64BigEndian(Field(sizeof(long)), value);

    public void Write(float value) => BinaryPrimitives.WriteSingleBigEndian(Field(sizeof(float)), value);

    public void Write(double value) => BinaryPrimitives.WriteDoubleBigEndian(Field(sizeof(double)), value);

    public void Write(Guid value) => value.TryWriteBytes(Field(CopyFormat.GuidBytes), bigEndian: true, out _);

    public void Write(DateOnly value) => Write(value.DayNumber - CopyFormat.FirstDay);

    /// <summary>An instant, to the microsecond; what is finer is cut off.</summary>
    /// <exception cref="ArgumentException">the time is not UTC</exception>
    public void Write(DateTime value) => Write(value.Kind == DateTimeKind.Utc
        ? (value.Ticks - CopyFormat.FirstTick) / TimeSpan.TicksPerMicrosecond
        : throw new ArgumentException($"The time {value:O} is of the kind {value.Kind}; an instant is written in UTC.", nameof(value)));

    public void Write(DateTimeOffset value) => Write(value.UtcDateTime);

    /// <param name="value">null for a missing one</param>
    public void Write(string? value)
    {
        if (value is null)
        {
            WriteNull();
        }
        else
        {
            Encoding.UTF8.GetBytes(value, Field(Encoding.UTF8.GetByteCount(value)));
        }
    }

    public void Write(byte[] value) => value.CopyTo(Field(value.Length));

    /// <param name="utf8">is a text as it stands; the server refuses what is none</param>
    public void WriteText(ReadOnlySpan<byte> utf8) => utf8.CopyTo(Field(utf8.Length));

    public void WriteNull()
    {
        BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), CopyFormat.Missing);
        columns++;
    }

    /// <summary>A missing one where there is no value, and so for the others.</summary>
    public void Write(short? value)
    {
        if (value is { } present) Write(present); else WriteNull();
    }

    public void Write(int? value)
    {
        if (value is { } present) Write(present); else WriteNull();
    }

    public void Write(long? value)
    {
        if (value is { } present) Write(present); else WriteNull();
    }

    public void Write(float? value)
    {
        if (value is { } present) Write(present); else WriteNull();
    }

    public void Write(double? value)
    {
        if (value is { } present) Write(present); else WriteNull();
    }

    public void Write(DateOnly? value)
    {
        if (value is { } present) Write(present); else WriteNull();
    }

    internal void StartRow()
    {
        EndRow();
        if (length >= BlockBytes)
        {
            Send();
        }

        row = length;
        Take(sizeof(short));
        Rows++;
    }

    /// <summary>After the last row.</summary>
    internal void Finish()
    {
        EndRow();
        BinaryPrimitives.WriteInt16BigEndian(Take(sizeof(short)), CopyFormat.End);
        Send();
    }

    private void EndRow()
    {
        if (row >= 0)
        {
            BinaryPrimitives.WriteInt16BigEndian(block.AsSpan(row), columns);
            (row, columns) = (-1, 0);
        }
    }

    private void Send()
    {
        stream.Write(block, 0, length);
        length = 0;
    }

    private Span<byte> Field(int bytes)
    {
        var field = Take(sizeof(int) + bytes);
        BinaryPrimitives.WriteInt32BigEndian(field, bytes);
        columns++;
        return field[sizeof(int)..];
    }

    private Span<byte> Take(int bytes)
    {
        var from = length;
        if (bytes > block.Length - from)
        {
            Array.Resize(ref block, Math.Max(checked(from + bytes), 2 * block.Length));
        }

        length += bytes;
        return block.AsSpan(from, bytes);
    }
}
