using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Pimm.Core.Importing;

/// <summary>
/// Reads a delimited text file row by row without an allocation per row: plain or gzip (told by content), UTF-8 with or
/// without byte-order mark, delimiter given or found, RFC 4180 quotes, LF or CRLF. A span of a field is valid until the
/// next row is read. Blank lines are skipped.
/// </summary>
/// <remarks>Written because CsvHelper makes a string of every field; the readers that do not are absent from the registry.</remarks>
public sealed class DelimitedReader : IDisposable
{
    /// <summary>A longer field is a bad row.</summary>
    public const int MaximumFieldBytes = 64 * 1024;

    /// <summary>A longer row (with the line ends inside its quotes) is a bad row.</summary>
    public const int MaximumRowBytes = DelimitedScanner.MaximumRecordBytes;

    private readonly Stream _file;
    private readonly DelimitedScanner _scanner;

    private DelimitedReader(Stream file, string source, char? delimiter, UnpackingLimit? limit)
    {
        Source = source;
        _file = file;
        _scanner = new DelimitedScanner(FileContent.TextOf(file, source, limit), source);
        var sample = _scanner.Peek();
        var mark = FileContent.CheckText(sample, source);
        _scanner.Skip(mark);
        _scanner.Delimiter = delimiter is null ? FileContent.DelimiterOf(sample[mark..]) : (byte)delimiter;
        Names = ReadHeader();
        FileContent.RefuseWrongDelimiter(Names.All, _scanner.Delimiter, source);
    }

    /// <summary>The file's name without folders, as the sentences say it.</summary>
    public string Source { get; }

    public ColumnNames Names { get; private set; }

    /// <summary>The file's first line as it stands, at most 64 KiB of it; a file of its bad rows begins with it.</summary>
    public string Header { get; private set; } = "";

    public bool IsPacked => _scanner.Text != _file;

    public char Delimiter => (char)_scanner.Delimiter;

    /// <summary>The physical line, from 1, on which the current row begins.</summary>
    public long Line => _scanner.Line;

    /// <summary>Rows read so far, bad ones included.</summary>
    public long Rows { get; private set; }

    /// <summary>The share of the file's bytes taken in, 0 … 1.</summary>
    public double ShareRead => _file.Length == 0 ? 1 : (double)_file.Position / _file.Length;

    /// <summary>The current row as it stands in the file, line end included; also of a bad row (of one over 1 MiB: nothing certain).</summary>
    public ReadOnlySpan<byte> RawRow => _scanner.Raw;

    /// <summary>The field at a place (from 0) of the current row, quotes taken off.</summary>
    public ReadOnlySpan<byte> this[int place] => _scanner[place];

    /// <param name="path">a plain or gzip file</param>
    /// <param name="delimiter">an ASCII character; null finds ',', ';', tab or '|'</param>
    /// <param name="limit">of what gzip may unpack to; null: none</param>
    /// <param name="source">what the sentences call it; null: the path's last part</param>
    /// <exception cref="InputException">missing or empty file, an archive, not UTF-8, wrong delimiter, bad header</exception>
    public static DelimitedReader Open(string path, char? delimiter = null, UnpackingLimit? limit = null, string? source = null)
    {
        if (Directory.Exists(path))
        {
            throw new InputException($"'{path}' is a folder; name the file in it.") { Code = ImportCode.NoFile };
        }
        if (!File.Exists(path))
        {
            throw new InputException($"There is no file '{path}'; check the path.") { Code = ImportCode.NoFile };
        }

        return Open(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan), source ?? Path.GetFileName(path), delimiter, limit);
    }

    /// <param name="file">seekable; disposed with the reader</param>
    /// <param name="source">what the sentences call it</param>
    /// <param name="delimiter">as above</param>
    /// <exception cref="InputException">as above</exception>
    public static DelimitedReader Open(Stream file, string source, char? delimiter = null, UnpackingLimit? limit = null)
    {
        if (delimiter is '"' or '\r' or '\n' or '\0' or > '\u007e')
        {
            throw new InputException($"The delimiter '{delimiter}' cannot be used; give one ASCII character that is no quote and no line end.");
        }

        try
        {
            return new DelimitedReader(file, source, delimiter, limit);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>From now on columns go by other names.</summary>
    /// <param name="names">the name in the file → the name here</param>
    public void Rename(IReadOnlyDictionary<string, string> names) =>
        Names = new ColumnNames([.. Names.All.Select(name => names.GetValueOrDefault(name, name))], Source);

    /// <summary>The next row; a bad one ends the reading.</summary>
    /// <returns>false at the end of the file</returns>
    /// <exception cref="InputException">a bad row, a damaged file, or a header without any row</exception>
    public bool Read()
    {
        var read = Read(out var problem);
        return problem is null ? read : throw problem.AsException(Source);
    }

    /// <summary>The next row; a bad one comes with what is wrong with it and reading goes on behind it.</summary>
    /// <param name="problem">null when the row is good; else its fields must not be read</param>
    /// <returns>false at the end of the file</returns>
    /// <exception cref="InputException">a damaged file, or a header without any row</exception>
    public bool Read(out ImportProblem? problem)
    {
        problem = null;
        ScanOutcome outcome;
        do
        {
            outcome = _scanner.Next();
        }
        while (outcome == ScanOutcome.Record && IsBlank());

        if (outcome == ScanOutcome.End)
        {
            return Rows > 0 ? false : throw new InputException($"{Source} has a header and no rows; it must hold at least one row.") { Code = ImportCode.NoRows };
        }

        Rows++;
        problem = ProblemOf(outcome, Names.All);
        return true;
    }

    public void Dispose()
    {
        _scanner.Dispose();
        _file.Dispose();
    }

    private ColumnNames ReadHeader()
    {
        ScanOutcome outcome;
        do
        {
            outcome = _scanner.Next();
        }
        while (outcome == ScanOutcome.Record && IsBlank());

        var problem = ProblemOf(outcome, null);
        if (problem is not null)
        {
            throw problem.AsException(Source);
        }

        var raw = _scanner.Raw.TrimEnd("\r\n"u8);
        Header = Encoding.UTF8.GetString(raw[..Math.Min(raw.Length, MaximumFieldBytes)]);
        var names = new string[_scanner.FieldCount];
        for (var place = 0; place < names.Length; place++)
        {
            // The scanner keeps no more fields than any file may have; ColumnNames refuses the count before a name matters.
            names[place] = place <= ColumnNames.Maximum ? Encoding.UTF8.GetString(_scanner[place]) : "";
        }

        return new ColumnNames(names, Source);
    }

    private bool IsBlank() => _scanner.Raw.TrimEnd("\r\n"u8).IsEmpty;

    private ImportProblem? ProblemOf(ScanOutcome outcome, IReadOnlyList<string>? columns)
    {
        if (outcome == ScanOutcome.Unbalanced)
        {
            var (line, field) = _scanner.OpenQuote;
            return new ImportProblem(line, NameOf(field, columns), ImportCode.UnbalancedQuote,
                "the quote opened here is not closed at the end of the field; close it, or double each quote inside the field.");
        }

        if (outcome == ScanOutcome.TooLong)
        {
            return new ImportProblem(Line, null, ImportCode.LineTooLong,
                "the line is longer than 1 MB; correct or remove it, or check the delimiter and line ends.");
        }

        return BadBytes(columns) ?? BadShape(columns);
    }

    private ImportProblem? BadBytes(IReadOnlyList<string>? columns)
    {
        var raw = _scanner.Raw;
        var nul = raw.IndexOf((byte)0);
        if (nul >= 0)
        {
            return new ImportProblem(Line + raw[..nul].Count((byte)'\n'), FirstField(static field => field.Contains((byte)0), columns),
                ImportCode.NulByte, "a NUL byte; the file is damaged or not text, export it again as UTF-8 CSV.");
        }

        return Utf8.IsValid(raw)
            ? null
            : new ImportProblem(Line, FirstField(static field => !Utf8.IsValid(field), columns), ImportCode.InvalidUtf8,
                "bytes that are not UTF-8; save the file as UTF-8.");
    }

    private ImportProblem? BadShape(IReadOnlyList<string>? columns)
    {
        if (columns is not null && _scanner.FieldCount != columns.Count)
        {
            var few = _scanner.FieldCount < columns.Count;
            return new ImportProblem(Line, null, few ? ImportCode.TooFewFields : ImportCode.TooManyFields,
                string.Create(CultureInfo.InvariantCulture,
                    $"{_scanner.FieldCount:N0} field{(_scanner.FieldCount == 1 ? "" : "s")} where the header has {columns.Count:N0} columns; correct the line, or quote fields that hold the delimiter."));
        }

        return _scanner.Raw.Length <= MaximumFieldBytes || FirstField(static field => field.Length > MaximumFieldBytes, columns) is not { } column
            ? null
            : new ImportProblem(Line, column, ImportCode.FieldTooLong, "the field is longer than 64 KB; shorten it or leave the column out of the file.");
    }

    private string? FirstField(Func<ReadOnlySpan<byte>, bool> wanted, IReadOnlyList<string>? columns)
    {
        for (var field = 0; field < Math.Min(_scanner.FieldCount, ColumnNames.Maximum); field++)
        {
            if (wanted(_scanner[field]))
            {
                return NameOf(field, columns);
            }
        }

        return null;
    }

    private static string? NameOf(int field, IReadOnlyList<string>? columns) =>
        columns is not null && field < columns.Count ? columns[field] : string.Create(CultureInfo.InvariantCulture, $"{field + 1}");
}
