namespace Pimm.Core.Importing;

/// <summary>
/// Writes a delimited UTF-8 file of LF lines, fields quoted where RFC 4180 asks for it. The file takes its name only
/// on <see cref="Complete"/>: what is disposed before leaves nothing behind.
/// </summary>
public sealed class DelimitedWriter : IDisposable
{
    private readonly string _path;
    private readonly string _unfinished;
    private readonly byte _delimiter;
    private readonly FileStream _file;
    private byte[] _buffer = new byte[1 << 16];
    private int _used;
    private bool _first = true;

    public DelimitedWriter(string path, char delimiter = ',')
    {
        _path = path;
        _unfinished = path + ".unfinished";
        _delimiter = (byte)delimiter;
        _file = new FileStream(_unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 0);
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
        Write(bytes[..System.Text.Encoding.UTF8.GetBytes(field, bytes)]);
    }

    /// <summary>The shortest text that reads back as the same number.</summary>
    public void Write(double number)
    {
        Span<byte> text = stackalloc byte[32];
        number.TryFormat(text, out var length, default, System.Globalization.CultureInfo.InvariantCulture);
        Write(text[..length]);
    }

    public void EndRow()
    {
        Append("\n"u8);
        _first = true;
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
        if (!_first)
        {
            Append([_delimiter]);
        }

        _first = false;
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
