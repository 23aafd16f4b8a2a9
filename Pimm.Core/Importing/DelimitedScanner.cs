namespace Pimm.Core.Importing;

internal enum ScanOutcome { Record, Unbalanced, TooLong, End, NeedsMore }

/// <summary>
/// Cuts a stream of UTF-8 bytes into records and fields in one reused buffer (RFC 4180: a quote opens only at the
/// begin of a field, a doubled quote is a quote, line ends may stand inside quotes; LF or CRLF).
/// </summary>
internal sealed class DelimitedScanner : IDisposable
{
    public const int MaximumRecordBytes = 1 << 20;
    private const int FirstBufferBytes = 1 << 18;

    private readonly Stream _text;
    private readonly string _source;
    private byte[] _buffer = new byte[FirstBufferBytes];
    private readonly RecordFields _fields = new();
    private int _start;
    private int _next;
    private int _end;
    private bool _ended;
    private long _nextLine = 1;
    private int _openQuote = -1;

    public DelimitedScanner(Stream text, string source)
    {
        _text = text;
        _source = source;
    }

    public byte Delimiter { get; set; } = (byte)',';

    public Stream Text => _text;

    public int FieldCount => _fields.Count;

    /// <summary>The physical line on which the record begins.</summary>
    public long Line { get; private set; } = 1;

    /// <summary>The line and the place (from 0) of the field whose quote was still open when the scan gave up.</summary>
    public (long Line, int Field) OpenQuote { get; private set; }

    /// <summary>The record's bytes as they stand in the file, line end included.</summary>
    public ReadOnlySpan<byte> Raw => _buffer.AsSpan(_start, _next - _start);

    public ReadOnlySpan<byte> this[int field] => _fields.Read(field, _buffer);

    /// <summary>The first bytes of the stream, up to 64 KiB; before the first record only.</summary>
    public ReadOnlySpan<byte> Peek()
    {
        while (_end < 1 << 16 && !_ended)
        {
            Fill();
        }

        return _buffer.AsSpan(0, _end);
    }

    public void Skip(int bytes) => _next += bytes;

    public ScanOutcome Next()
    {
        _start = _next;
        Line = _nextLine;
        while (true)
        {
            var outcome = Scan();
            if (outcome == ScanOutcome.NeedsMore)
            {
                if (_end - _start <= MaximumRecordBytes)
                {
                    Fill();
                    continue;
                }

                outcome = _openQuote >= 0 ? ScanOutcome.Unbalanced : ScanOutcome.TooLong;
            }

            if (outcome is ScanOutcome.Unbalanced or ScanOutcome.TooLong)
            {
                ResumeAtNextLine(outcome == ScanOutcome.Unbalanced ? _openQuote : _start);
            }
            else if (outcome == ScanOutcome.Record && _next - _start > MaximumRecordBytes)
            {
                return ScanOutcome.TooLong;
            }

            return outcome;
        }
    }

    public void Dispose() => _text.Dispose();

    private ScanOutcome Scan()
    {
        var position = _start;
        _fields.Clear();
        _nextLine = Line;
        _openQuote = -1;
        if (position == _end)
        {
            return _ended ? ScanOutcome.End : ScanOutcome.NeedsMore;
        }

        while (true)
        {
            var quoted = position < _end && _buffer[position] == (byte)'"';
            var outcome = quoted ? ScanQuoted(ref position) : ScanPlain(ref position);
            if (outcome is not null)
            {
                return outcome.Value;
            }
        }
    }

    /// <returns>null when another field follows</returns>
    private ScanOutcome? ScanPlain(ref int position)
    {
        var rest = _buffer.AsSpan(position, _end - position);
        var length = rest.IndexOfAny(Delimiter, (byte)'\n');
        if (length < 0)
        {
            if (!_ended)
            {
                return ScanOutcome.NeedsMore;
            }

            length = rest.Length;
            _fields.Add(position, length - (rest.EndsWith("\r"u8) ? 1 : 0));
            return EndRecord(_end);
        }

        if (rest[length] == Delimiter)
        {
            _fields.Add(position, length);
            position += length + 1;
            return null;
        }

        _fields.Add(position, length - (length > 0 && rest[length - 1] == (byte)'\r' ? 1 : 0));
        return EndRecord(position + length + 1);
    }

    private ScanOutcome? ScanQuoted(ref int position)
    {
        _openQuote = position;
        OpenQuote = (_nextLine, FieldCount);
        var escaped = false;
        var close = position + 1;
        while (true)
        {
            var found = _buffer.AsSpan(close, _end - close).IndexOf((byte)'"');
            if (found < 0)
            {
                return _ended ? ScanOutcome.Unbalanced : ScanOutcome.NeedsMore;
            }

            close += found;
            if (close + 2 >= _end && !_ended)
            {
                return ScanOutcome.NeedsMore;
            }

            if (close + 1 >= _end || _buffer[close + 1] != (byte)'"')
            {
                break;
            }

            escaped = true;
            close += 2;
        }

        return CloseQuoted(ref position, close, escaped);
    }

    private ScanOutcome? CloseQuoted(ref int position, int close, bool escaped)
    {
        var content = _buffer.AsSpan(position + 1, close - position - 1);
        var after = close + 1;
        var atEnd = after == _end || (after + 1 == _end && _buffer[after] == (byte)'\r');
        var atLineEnd = !atEnd && (_buffer[after] == (byte)'\n' || (_buffer[after] == (byte)'\r' && _buffer[after + 1] == (byte)'\n'));
        if (!atEnd && !atLineEnd && _buffer[after] != Delimiter)
        {
            return ScanOutcome.Unbalanced;
        }

        if (escaped)
        {
            _fields.AddUnescaped(position + 1, content, _buffer.Length);
        }
        else
        {
            _fields.Add(position + 1, content.Length);
        }

        _nextLine += content.Count((byte)'\n');
        _openQuote = -1;
        if (atEnd || atLineEnd)
        {
            return EndRecord(atEnd ? _end : after + (_buffer[after] == (byte)'\r' ? 2 : 1));
        }

        position = after + 1;
        return null;
    }

    private ScanOutcome EndRecord(int next)
    {
        _next = next;
        _nextLine++;
        return ScanOutcome.Record;
    }

    private void ResumeAtNextLine(int from)
    {
        _nextLine = _openQuote >= 0 ? OpenQuote.Line : Line;
        var lineEnd = _buffer.AsSpan(from, _end - from).IndexOf((byte)'\n');
        while (lineEnd < 0 && !_ended)
        {
            // A line longer than any record: what was read of it is let go, only its begin could be shown.
            (_start, from) = (_end, 0);
            Fill();
            lineEnd = _buffer.AsSpan(0, _end).IndexOf((byte)'\n');
        }

        _next = lineEnd < 0 ? _end : from + lineEnd + 1;
        _nextLine++;
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_end, _next, _start) = (_end - _start, Math.Max(0, _next - _start), 0);
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        try
        {
            var read = _text.Read(_buffer, _end, _buffer.Length - _end);
            _end += read;
            _ended = read == 0;
        }
        catch (Exception damaged) when (damaged is InvalidDataException or EndOfStreamException)
        {
            throw new InputException($"{_source} is a gzip file that is damaged or cut off; copy it again from where it came from.", damaged) { Code = ImportCode.DamagedArchive };
        }
    }
}
