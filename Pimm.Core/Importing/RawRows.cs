using System.Globalization;
using System.Text;

namespace Pimm.Core.Importing;

/// <summary>
/// Reads a comma-separated file without a header row by row, without an allocation per row: plain or gzip (told by
/// content), LF or CRLF, every row of the same number of columns. A span of a field is valid until the next row is read.
/// Blank lines are skipped.
/// </summary>
internal sealed class RawRows : IDisposable
{
    private readonly FileStream _file;
    private readonly DelimitedScanner _scanner;
    private readonly string[] _columns;

    /// <param name="path">a plain or gzip file</param>
    /// <param name="columns">what the columns are called in sentences</param>
    /// <exception cref="InputException">missing or empty file, an archive, not UTF-8</exception>
    public RawRows(string path, string[] columns)
    {
        if (Directory.Exists(path) || !File.Exists(path))
        {
            throw new InputException($"There is no file '{path}'; check the path.");
        }

        _columns = columns;
        Source = Path.GetFileName(path);
        _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        try
        {
            _scanner = new DelimitedScanner(FileContent.TextOf(_file, Source), Source);
            var sample = _scanner.Peek();
            if (sample.Trim(" \t\r\n"u8).IsEmpty)
            {
                throw new InputException($"{Source} is empty; it must hold rows of {string.Join(',', columns)} without a header line.");
            }

            _scanner.Skip(FileContent.CheckText(sample, Source));
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The file's name without folders, as the sentences say it.</summary>
    public string Source { get; }

    /// <summary>Rows read so far.</summary>
    public long Rows { get; private set; }

    /// <summary>The share of the file's bytes taken in, 0 … 1.</summary>
    public double ShareRead => _file.Length == 0 ? 1 : (double)_file.Position / _file.Length;

    public ReadOnlySpan<byte> this[int column] => _scanner[column];

    /// <returns>false at the end of the file</returns>
    /// <exception cref="InputException">a row of another number of columns, or one that cannot be cut into columns</exception>
    public bool Read()
    {
        ScanOutcome outcome;
        do
        {
            outcome = _scanner.Next();
        }
        while (outcome == ScanOutcome.Record && _scanner.FieldCount == 1 && _scanner[0].IsEmpty);

        if (outcome == ScanOutcome.End)
        {
            return false;
        }

        if (outcome != ScanOutcome.Record)
        {
            throw Refused(outcome == ScanOutcome.TooLong ? "the line is longer than 1 MB" : "a quote is opened and not closed");
        }

        if (_scanner.FieldCount != _columns.Length)
        {
            throw Refused(string.Create(CultureInfo.InvariantCulture,
                $"{_scanner.FieldCount:N0} column{(_scanner.FieldCount == 1 ? "" : "s")} where a row has {_columns.Length} ({string.Join(',', _columns.Length <= 6 ? _columns : [_columns[0], "…", _columns[^1]])})"));
        }

        Rows++;
        return true;
    }

    /// <param name="found">what is wrong with the current row</param>
    public InputException Refused(string found) => new(string.Create(CultureInfo.InvariantCulture,
        $"{Source}, line {_scanner.Line}: {found}; correct the line or copy the file again from where it came from."));

    /// <summary>What is wrong with one column of the current row, the value shown.</summary>
    /// <param name="column">place from 0</param>
    /// <param name="bound">what the value must be</param>
    public InputException Refused(int column, string bound) => Refused($"{_columns[column]} is '{Shown(this[column])}' and must be {bound}");

    /// <summary>At most 60 bytes, control characters as ^A, ^B, …</summary>
    public static string Shown(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (var letter in Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, 60)]))
        {
            text.Append(letter < ' ' ? $"^{(char)(letter + '@')}" : letter);
        }

        return bytes.Length > 60 ? text.Append('…').ToString() : text.ToString();
    }

    public void Dispose()
    {
        _scanner.Dispose();
        _file.Dispose();
    }
}
