using System.Buffers.Binary;
using System.Text;

namespace Pimm.Core.Database;

/// <summary>What the binary format of COPY has besides rows (PostgreSQL 15, "COPY", Binary Format).</summary>
internal static class CopyFormat
{
    /// <summary>Signature, flags, and the length of what may follow them.</summary>
    public const int HeaderBytes = 19;

    public const int GuidBytes = 16;

    /// <summary>A column's length where there is none.</summary>
    public const int Missing = -1;

    /// <summary>In the place of a row's number of columns.</summary>
    public const short End = -1;

    public static readonly int FirstDay = new DateOnly(2000, 1, 1).DayNumber;

    public static readonly long FirstTick = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    /// <summary>PGCOPY, and bytes that a careless copy would change.</summary>
    public static ReadOnlySpan<byte> Signature => [(byte)'P', (byte)'G', (byte)'C', (byte)'O', (byte)'P', (byte)'Y', (byte)'\n', 0xff, (byte)'\r', (byte)'\n', 0];
}

/// <summary>A row's columns out of the binary format of COPY, in their order, each by the method of its type (<see cref="CopyWriter"/>).</summary>
/// <remarks>Every method throws <see cref="InvalidOperationException"/> for a value that has another length than its type, or is missing where that was not asked.</remarks>
public sealed class CopyReader
{
    private readonly Stream stream;
    private byte[] block = new byte[65_536];
    private int at;
    private int length;
    private int columnsLeft;

    internal CopyReader(Stream stream) => this.stream = stream;

    public bool ReadBoolean() => Field(1)[0] != 0;

    public short ReadInt16() => BinaryPrimitives.ReadInt16BigEndian(Field(sizeof(short)));

    public int ReadInt32() => BinaryPrimitives.ReadInt32BigEndian(Field(sizeof(int)));

    public long ReadInt64() => BinaryPrimitives.ReadInt64BigEndian(Field(sizeof(long)));

    public float ReadSingle() => BinaryPrimitives.ReadSingleBigEndian(Field(sizeof(float)));

    public double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(Field(sizeof(double)));

    public Guid ReadGuid() => new(Field(CopyFormat.GuidBytes), bigEndian: true);

    public DateOnly ReadDate() => DateOnly.FromDayNumber(checked(ReadInt32() + CopyFormat.FirstDay));

    /// <returns>in UTC</returns>
    public DateTime ReadInstant() => new(checked((ReadInt64() * TimeSpan.TicksPerMicrosecond) + CopyFormat.FirstTick), DateTimeKind.Utc);

    public string ReadText() => ReadTextOrNull() ?? throw Missing();

    public string? ReadTextOrNull() => NextLength() is >= 0 and var bytes ? Encoding.UTF8.GetString(Take(bytes)) : null;

    public byte[]? ReadBytesOrNull() => NextLength() is >= 0 and var bytes ? Take(bytes).ToArray() : null;

    public int? ReadInt32OrNull() => IsMissing() ? null : ReadInt32();

    public float? ReadSingleOrNull() => IsMissing() ? null : ReadSingle();

    public double? ReadDoubleOrNull() => IsMissing() ? null : ReadDouble();

    /// <returns>false after the last row</returns>
    internal bool StartRow()
    {
        if (columnsLeft > 0)
        {
            throw new InvalidOperationException($"{columnsLeft} columns of a row were not read; a row is read whole.");
        }

        columnsLeft = BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short)));
        return columnsLeft != CopyFormat.End;
    }

    internal void ReadHeader()
    {
        var header = Take(CopyFormat.HeaderBytes);
        if (!header.StartsWith(CopyFormat.Signature))
        {
            throw new InvalidOperationException("The server's answer is not in the binary format of COPY.");
        }

        Take(BinaryPrimitives.ReadInt32BigEndian(header[^sizeof(int)..]));
    }

    /// <summary>Takes the end of the stream, which the server sends after the last row.</summary>
    internal void ReadEnd()
    {
        while (stream.Read(block, 0, block.Length) > 0)
        {
        }
    }

    private bool IsMissing()
    {
        if (length - at < sizeof(int))
        {
            Receive(sizeof(int));
        }

        if (BinaryPrimitives.ReadInt32BigEndian(block.AsSpan(at)) != CopyFormat.Missing)
        {
            return false;
        }

        NextLength();
        return true;
    }

    private ReadOnlySpan<byte> Field(int bytes)
    {
        var given = NextLength();
        return given == bytes ? Take(bytes)
            : throw (given == CopyFormat.Missing ? Missing() : new InvalidOperationException($"A column has a value of {given} bytes where one of {bytes} is read: its type is another one."));
    }

    private static InvalidOperationException Missing() => new("A column has no value where one is read.");

    private int NextLength() => columnsLeft-- > 0
        ? BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)))
        : throw new InvalidOperationException("A row has fewer columns than are read.");

    private ReadOnlySpan<byte> Take(int bytes)
    {
        if (length - at < bytes)
        {
            Receive(bytes);
        }

        var taken = block.AsSpan(at, bytes);
        at += bytes;
        return taken;
    }

    // Apart, so that the values of a row that is there are read without a call.
    private void Receive(int bytes)
    {
        if (bytes > block.Length - at)
        {
            var rest = block.AsSpan(at, length - at);
            var roomy = bytes > block.Length ? new byte[Math.Max(bytes, 2 * block.Length)] : block;
            rest.CopyTo(roomy);
            (block, at, length) = (roomy, 0, rest.Length);
        }

        while (length - at < bytes)
        {
            length += stream.Read(block, length, block.Length - length) is > 0 and var read
                ? read : throw new EndOfStreamException("The server ended a COPY in the middle of a row.");
        }
    }
}
