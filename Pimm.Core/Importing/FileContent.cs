using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Pimm.Core.Importing;

/// <summary>What a file is, told from its first bytes and never from its name.</summary>
internal static class FileContent
{
    private static readonly byte[] CandidateDelimiters = [(byte)',', (byte)';', (byte)'\t', (byte)'|'];

    /// <summary>The text of a seekable stream: unpacked when it is gzip, refused when it is another archive.</summary>
    /// <param name="limit">of what gzip may unpack to; null: none</param>
    public static Stream TextOf(Stream file, string source, UnpackingLimit? limit = null)
    {
        Span<byte> magic = stackalloc byte[4];
        var read = file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        file.Position = 0;
        magic = magic[..read];
        RefuseArchive(magic, source);
        return magic.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B])
            ? Unpack(file, source, limit)
            : file;
    }

    private static Stream Unpack(Stream file, string source, UnpackingLimit? limit)
    {
        var text = new GZipStream(file, CompressionMode.Decompress);
        return limit is null ? text : new LimitedText(text, file, source, limit);
    }

    /// <summary>Refuses what is not UTF-8 text.</summary>
    /// <returns>the number of bytes of a byte-order mark to skip</returns>
    public static int CheckText(ReadOnlySpan<byte> sample, string source)
    {
        RefuseArchive(sample, source);
        if (sample.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE, 0, 0]) || sample.StartsWith((ReadOnlySpan<byte>)[0, 0, 0xFE, 0xFF]))
        {
            throw NotUtf8(source, "UTF-32");
        }

        if (sample.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || sample.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            throw NotUtf8(source, "UTF-16");
        }

        RefuseWideText(sample[..Math.Min(sample.Length, 4096)], source);
        var mark = sample.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? 3 : 0;
        if (sample[mark..].Trim(" \t\r\n"u8).IsEmpty)
        {
            throw new InputException($"{source} is empty; it must hold a header line and rows.") { Code = ImportCode.EmptyFile };
        }

        if (sample.Contains((byte)'\r') && !sample.Contains((byte)'\n'))
        {
            throw new InputException($"{source} ends its lines with carriage returns alone; save it with LF or CRLF line ends.") { Code = ImportCode.LineEnds };
        }

        return mark;
    }

    /// <summary>The delimiter under which the header and the first lines agree on the most columns; ',' for one column.</summary>
    public static byte DelimiterOf(ReadOnlySpan<byte> sample)
    {
        var (best, bestScore) = ((byte)',', 0.0);
        foreach (var candidate in CandidateDelimiters)
        {
            var score = Agreement(sample, candidate);
            if (score > bestScore)
            {
                (best, bestScore) = (candidate, score);
            }
        }

        return best;
    }

    /// <summary>Refuses a header that is one column under its delimiter while it holds another one.</summary>
    public static void RefuseWrongDelimiter(IReadOnlyList<string> columns, byte delimiter, string source)
    {
        if (columns.Count != 1)
        {
            return;
        }

        foreach (var (other, least) in (ReadOnlySpan<(char, int)>)[(',', 1), (';', 1), ('\t', 1), ('|', 1), (':', 2), ('^', 2), ('~', 2), ('\u0001', 1)])
        {
            var times = columns[0].Count(letter => letter == other);
            if (times >= least && other != delimiter)
            {
                throw new InputException(string.Create(CultureInfo.InvariantCulture,
                    $"{source}, line 1: split at {Name((char)delimiter)} the header is one column, but it holds {Name(other)} {times} time{(times == 1 ? "" : "s")}; give --delimiter {Name(other)}.")) { Code = ImportCode.WrongDelimiter };
            }
        }
    }

    private static double Agreement(ReadOnlySpan<byte> sample, byte delimiter)
    {
        var (header, lines, agreeing, fields, quoted) = (0, 0, 0, 1, false);
        foreach (var letter in sample)
        {
            if (letter == '"')
            {
                quoted = !quoted;
            }
            else if (letter == delimiter && !quoted)
            {
                fields++;
            }
            else if (letter == '\n' && !quoted)
            {
                header = lines == 0 ? fields : header;
                agreeing += fields == header ? 1 : 0;
                (lines, fields) = (lines + 1, 1);
            }

            if (lines == 20)
            {
                break;
            }
        }

        header = lines == 0 ? fields : header;
        return (header - 1) * ((1.0 + agreeing) / (1.0 + lines));
    }

    private static void RefuseArchive(ReadOnlySpan<byte> magic, string source)
    {
        if (magic.StartsWith("%PDF"u8))
        {
            throw new InputException($"{source} is a PDF; a document has no rows, export the table itself as CSV.") { Code = ImportCode.NotText };
        }

        if (magic.StartsWith("PK\u0003\u0004"u8) || magic.StartsWith("PK\u0005\u0006"u8))
        {
            throw new InputException($"{source} is a zip archive or an Excel workbook; unpack it or save it as CSV (plain or gzip).") { Code = ImportCode.NotText };
        }

        if (magic.StartsWith("PAR1"u8))
        {
            throw new InputException($"{source} is a Parquet file; save it as CSV (plain or gzip).") { Code = ImportCode.NotText };
        }
    }

    /// <summary>Text of two or four bytes a letter without a byte-order mark shows as zeros at every second place.</summary>
    private static void RefuseWideText(ReadOnlySpan<byte> sample, string source)
    {
        var (even, odd) = (0, 0);
        for (var place = 0; place < sample.Length; place++)
        {
            if (sample[place] == 0)
            {
                (even, odd) = place % 2 == 0 ? (even + 1, odd) : (even, odd + 1);
            }
        }

        if (even + odd > 0.6 * sample.Length)
        {
            throw NotUtf8(source, "UTF-32");
        }

        if (Math.Max(even, odd) > 0.3 * sample.Length && Math.Min(even, odd) < 0.05 * sample.Length)
        {
            throw NotUtf8(source, "UTF-16");
        }
    }

    private static InputException NotUtf8(string source, string found) =>
        new($"{source} is {found} text; save it as UTF-8.") { Code = ImportCode.WrongEncoding };

    private static string Name(char delimiter) => delimiter switch
    {
        '\t' => "tab",
        '\u0001' => @"\x01",
        _ => $"'{delimiter}'",
    };
}
