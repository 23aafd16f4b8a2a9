using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Pimm.Core.Importing;

/// <summary>
/// Writes a delimited UTF-8 file of LF lines, fields quoted where RFC 4180 asks for it, packed where its name ends in .gz.
/// The file takes its name only on <see cref="Complete"/>: what is disposed before leaves nothing behind.
/// </summary>
public sealed class DelimitedWriter : IDisposable
{
    private readonly string _path;
    private readonly string _unfinished;
    private readonly byte _delimiter;
    private readonly Stream _file;
    private byte[] _buffer = new byte[1 << 16];
    private int _used;
    private int _fields;
    private int _columns = -1;

    public DelimitedWriter(string path, char delimiter = ',')
    {
        _path = path;
        _unfinished = path + ".unfinished";
        _delimiter = (byte)delimiter;
        var file = new FileStream(_unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        _file = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionLevel.Fastest) : file;
    }

    public void Write(ReadOnlySpan<byte> field)
    {
        Separate();
        if (field.IndexOfAny(_delimiter, (byte)'"', (byte)'\n') < 0 && !field.Contains((byte)'\r'))
        {
            Append(field);
            return;
        }

        AppendQuoted(field);
    }

    public void Write(ReadOnlySpan<char> field)
    {
        Span<byte> bytes = field.Length <= 256 ? stackalloc byte[768] : new byte[field.Length * 3];
        Write(bytes[..Encoding.UTF8.GetBytes(field, bytes)]);
    }

    /// <summary>A null text is an empty field.</summary>
    public void Write(string? field) => Write(field.AsSpan());

    /// <summary>The shortest text that reads back as the same number; empty for null and NaN.</summary>
    public void Write(double? number)
    {
        Span<byte> text = stackalloc byte[32];
        var length = 0;
        if (number is { } value && !double.IsNaN(value))
        {
            value.TryFormat(text, out length, default, CultureInfo.InvariantCulture);
        }

        Write(text[..length]);
    }

    public void Write(long number)
    {
        const int longest = 20;
        Separate();
        if (_buffer.Length - _used < longest)
        {
            Flush();
        }

        number.TryFormat(_buffer.AsSpan(_used), out var length, default, CultureInfo.InvariantCulture);
        _used += length;
    }

    /// <summary>1, 0, or empty for null.</summary>
    public void Write(bool? flag) => Write(flag switch { true => "1"u8, false => "0"u8, null => [] });

    /// <exception cref="InvalidOperationException">a row of another length than the first one</exception>
    public void EndRow()
    {
        if (_columns >= 0 && _columns != _fields)
        {
            throw new InvalidOperationException($"A row of {_fields} fields was written under a header of {_columns}.");
        }

        Append("\n"u8);
        (_columns, _fields) = (_fields, 0);
    }

    /// <summary>Gives the file its name, over an older file of that name.</summary>
    public void Complete()
    {
        Flush();
        _file.Dispose();
        File.Move(_unfinished, _path, overwrite: true);
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(_unfinished);
    }

    private void Separate()
    {
        if (_fields++ > 0)
        {
            Append([_delimiter]);
        }
    }

    private void AppendQuoted(ReadOnlySpan<byte> field)
    {
        Append("\""u8);
        for (var quote = field.IndexOf((byte)'"'); quote >= 0; quote = field.IndexOf((byte)'"'))
        {
            Append(field[..(quote + 1)]);
            Append("\""u8);
            field = field[(quote + 1)..];
        }

        Append(field);
        Append("\""u8);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _used)
        {
            Flush();
            if (bytes.Length > _buffer.Length)
            {
                _buffer = new byte[bytes.Length];
            }
        }

        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
    }

    private void Flush()
    {
        _file.Write(_buffer, 0, _used);
        _used = 0;
    }
}
