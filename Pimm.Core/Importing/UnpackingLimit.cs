using System.Globalization;

namespace Pimm.Core.Importing;

/// <summary>What a packed file may become: a few kilobytes of gzip can be terabytes of zeros.</summary>
/// <param name="Bytes">unpacked</param>
/// <param name="Ratio">unpacked bytes to packed ones, looked at from 64 MiB unpacked on</param>
public sealed record UnpackingLimit(long Bytes, int Ratio);

/// <summary>The text of a packed file, read no further than its limit.</summary>
internal sealed class LimitedText(Stream text, Stream packed, string source, UnpackingLimit limit) : Stream
{
    private const long RatioCounts = 64L << 20;

    private long _unpacked;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => _unpacked; set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = text.Read(buffer, offset, count);
        _unpacked += read;
        if (_unpacked > limit.Bytes)
        {
            throw Refused($"unpacks to more than the {limit.Bytes / 1e9:0.###} GB that Importing:MaximumUnpackedBytes allows; split the file");
        }
        if (_unpacked > RatioCounts && _unpacked / Math.Max(1, packed.Position) > limit.Ratio)
        {
            throw Refused($"unpacks to more than {limit.Ratio:N0} times its size, which no table does (Importing:MaximumUnpackRatio); send it unpacked");
        }
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        text.Dispose();
        base.Dispose(disposing);
    }

    private InputException Refused(FormattableString what) =>
        new($"{source} {what.ToString(CultureInfo.InvariantCulture)}.") { Code = ImportCode.UnpackedTooLarge };
}
