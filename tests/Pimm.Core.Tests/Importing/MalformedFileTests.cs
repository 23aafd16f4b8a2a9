using System.Text;
using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Importing;

/// <summary>One sentence for each way a file can be wrong.</summary>
public sealed class MalformedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "data.csv is empty; it must hold a header line and rows.")]
    [InlineData("\n \r\n", "data.csv is empty; it must hold a header line and rows.")]
    [InlineData("\uFEFF", "data.csv is empty; it must hold a header line and rows.")]
    [InlineData("a,b\n", "data.csv has a header and no rows; it must hold at least one row.")]
    [InlineData("a,b", "data.csv has a header and no rows; it must hold at least one row.")]
    [InlineData("a,b,a\n1,2,3\n", "data.csv, line 1: column 'a' appears twice, as column 1 and 3; rename or remove one of them.")]
    [InlineData("a,b\n1,2\n1,\"2\n3,4\n", "data.csv, line 3, column 'b': the quote opened here is not closed at the end of the field; close it, or double each quote inside the field.")]
    [InlineData("a,b\n\"1\"x,2\n3,4\n", "data.csv, line 2, column 'a': the quote opened here is not closed at the end of the field; close it, or double each quote inside the field.")]
    [InlineData("a,\"b\n1,2\n", "data.csv, line 1, column '2': the quote opened here is not closed at the end of the field; close it, or double each quote inside the field.")]
    [InlineData("a,b\n1,2\n1\n", "data.csv, line 3: 1 field where the header has 2 columns; correct the line, or quote fields that hold the delimiter.")]
    [InlineData("a,b\n1,2\n1,2,3\n", "data.csv, line 3: 3 fields where the header has 2 columns; correct the line, or quote fields that hold the delimiter.")]
    [InlineData("a,b\n1,2\n3,4\u00005\n", "data.csv, line 3, column 'b': a NUL byte; the file is damaged or not text, export it again as UTF-8 CSV.")]
    [InlineData("a,b\r1,2\r", "data.csv ends its lines with carriage returns alone; save it with LF or CRLF line ends.")]
    [InlineData("a:b:c\n1:2:3\n", "data.csv, line 1: split at ',' the header is one column, but it holds ':' 2 times; give --delimiter ':'.")]
    [InlineData("PK\u0003\u0004rest", "data.csv is a zip archive or an Excel workbook; unpack it or save it as CSV (plain or gzip).")]
    [InlineData("PAR1rest", "data.csv is a Parquet file; save it as CSV (plain or gzip).")]
    public void A_file_that_is_wrong_gets_its_sentence(string text, string sentence)
    {
        Refusal(Encoding.UTF8.GetBytes(text)).ShouldBe(sentence);
    }

    [Fact]
    public void A_wrong_delimiter_is_named_with_the_right_one()
    {
        Refusal("a;b;c\n1;2;3\n"u8.ToArray(), ',')
            .ShouldBe("data.csv, line 1: split at ',' the header is one column, but it holds ';' 2 times; give --delimiter ';'.");
        Refusal("a,b\n1,2\n"u8.ToArray(), '\t')
            .ShouldBe("data.csv, line 1: split at tab the header is one column, but it holds ',' 1 time; give --delimiter ','.");
        Refusal("a,b\n1,2\n"u8.ToArray(), '"')
            .ShouldBe("The delimiter '\"' cannot be used; give one ASCII character that is no quote and no line end.");
    }

    [Fact]
    public void Text_of_two_or_four_bytes_a_letter_is_named()
    {
        const string text = "a,b\n1,2\n";

        Refusal([.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(text)]).ShouldBe("data.csv is UTF-16 text; save it as UTF-8.");
        Refusal(Encoding.Unicode.GetBytes(text)).ShouldBe("data.csv is UTF-16 text; save it as UTF-8.");
        Refusal([.. Encoding.BigEndianUnicode.GetPreamble(), .. Encoding.BigEndianUnicode.GetBytes(text)]).ShouldBe("data.csv is UTF-16 text; save it as UTF-8.");
        Refusal([.. Encoding.UTF32.GetPreamble(), .. Encoding.UTF32.GetBytes(text)]).ShouldBe("data.csv is UTF-32 text; save it as UTF-8.");
        Refusal(Encoding.UTF32.GetBytes(text)).ShouldBe("data.csv is UTF-32 text; save it as UTF-8.");
    }

    [Fact]
    public void Bytes_that_are_not_utf_8_are_found_in_their_column()
    {
        Refusal([.. "a,b\n1,2\n3,M"u8, 0xFC, .. "ller\n"u8])
            .ShouldBe("data.csv, line 3, column 'b': bytes that are not UTF-8; save the file as UTF-8.");
    }

    [Fact]
    public void Ten_thousand_columns_are_refused()
    {
        var header = string.Join(',', Enumerable.Range(0, 10_000).Select(column => "c" + column));
        var row = string.Join(',', Enumerable.Repeat("1", 10_000));

        Refusal(Encoding.UTF8.GetBytes($"{header}\n{row}\n"))
            .ShouldBe("data.csv has 10,000 columns: at most 1,024 columns are allowed, so leave out those that are not needed.");
    }

    [Fact]
    public void The_most_columns_are_accepted()
    {
        var header = string.Join(',', Enumerable.Range(0, ColumnNames.Maximum).Select(column => "c" + column));

        Refusal(Encoding.UTF8.GetBytes($"{header}\n{new string(',', ColumnNames.Maximum - 1)}\n")).ShouldBeNull();
    }

    [Fact]
    public void Fields_over_64_KB_and_lines_over_1_MB_are_refused()
    {
        Refusal(Encoding.UTF8.GetBytes("a,b\n1," + new string('x', 65_537) + "\n"))
            .ShouldBe("data.csv, line 2, column 'b': the field is longer than 64 KB; shorten it or leave the column out of the file.");
        Refusal(Encoding.UTF8.GetBytes("a,b\n1," + new string('x', 3_000_000) + "\n1,2\n"))
            .ShouldBe("data.csv, line 2: the line is longer than 1 MB; correct or remove it, or check the delimiter and line ends.");
        Refusal(Encoding.UTF8.GetBytes("a,b\n1," + new string('x', 65_536) + "\n")).ShouldBeNull();
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.9)]
    [InlineData(0.9999)]
    public void A_gzip_file_that_is_cut_off_is_refused(double kept)
    {
        var whole = TemporaryFolder.Gzip("a,b\n" + string.Concat(Enumerable.Range(0, 50_000).Select(row => $"{row},{row * 7919 % 1000}\n")));

        Refusal(whole[..(int)(kept * whole.Length)])
            .ShouldBe("data.csv is a gzip file that is damaged or cut off; copy it again from where it came from.");
        Refusal(whole).ShouldBeNull();
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        Should.Throw<InputException>(() => DelimitedReader.Open("/nowhere/data.csv")).Message
            .ShouldBe("There is no file '/nowhere/data.csv'; check the path.");
    }

    [Fact]
    public void A_missing_column_is_offered_the_nearest_name()
    {
        using var reader = DelimitedReader.Open(_folder.Write("data.csv", "age,y3_payment,country\n1,2,3\n"));

        reader.Names.PlaceOf("country").ShouldBe(2);
        Should.Throw<InputException>(() => reader.Names.PlaceOf("y3_paymnt")).Message
            .ShouldBe("data.csv has no column 'y3_paymnt'; did you mean 'y3_payment'?");
        Should.Throw<InputException>(() => reader.Names.PlaceOf("revenue")).Message
            .ShouldBe("data.csv has no column 'revenue'; its columns are age, y3_payment, country.");
    }

    [Theory]
    [InlineData("p1,Anna,anna@example.com\np2,Bob,b\n", "data.csv has no column 'key', and its first line looks like data: add a line with the columns' names above it.")]
    [InlineData("Anna,Schmidt,49151234567\nBob,Rau,b\n", "data.csv has no column 'key', and its first line looks like data: add a line with the columns' names above it.")]
    [InlineData("Anna,Anna,30\nBob,Rau,31\n", "data.csv, line 1: the first line looks like data: add a line with the columns' names above it. A column appears twice, as column 1 and 2; rename or remove one of them.")]
    public void A_file_without_a_header_tells_nobodys_name(string text, string sentence)
    {
        var path = _folder.Write("data.csv", text);

        Should.Throw<InputException>(() =>
        {
            using var reader = DelimitedReader.Open(path);
            reader.Names.PlaceOf("key");
        }).Message.ShouldBe(sentence);
    }

    [Fact]
    public void Bad_rows_can_be_put_aside_and_the_good_ones_are_all_read()
    {
        byte[] text =
        [
            .. "id,note\n1,good\n2\n3,\"open\n4,good\n5,a,b\n6,\"x\"y\n7,"u8, 0xFF, .. "\n8,"u8, 0, .. "\n9,\"good\nagain\"\n"u8,
            .. Encoding.UTF8.GetBytes("10," + new string('x', 2_000_000)), .. "\n11,good\n12,\"never closed\n13,good"u8,
        ];
        using var reader = DelimitedReader.Open(_folder.Write("data.csv", text), ',');
        var (good, problems) = (new List<string>(), new List<ImportProblem>());

        while (reader.Read(out var problem))
        {
            if (problem is null)
            {
                good.Add(Encoding.UTF8.GetString(reader[0]));
            }
            else
            {
                problems.Add(problem);
            }
        }

        good.ShouldBe(["1", "4", "9", "11", "13"]);
        problems.Select(problem => (problem.Line, problem.Column, problem.Code)).ShouldBe(
        [
            (3, null, ImportCode.TooFewFields),
            (4, "note", ImportCode.UnbalancedQuote),
            (6, null, ImportCode.TooManyFields),
            (7, "note", ImportCode.UnbalancedQuote),
            (8, "note", ImportCode.InvalidUtf8),
            (9, "note", ImportCode.NulByte),
            (12, null, ImportCode.LineTooLong),
            (14, "note", ImportCode.UnbalancedQuote),
        ]);
        reader.Rows.ShouldBe(good.Count + problems.Count);
    }

    [Fact]
    public void The_raw_row_is_what_stands_in_the_file()
    {
        using var reader = DelimitedReader.Open(_folder.Write("data.csv", "a,b\n\"x \"\"y\"\"\",2,3\r\n1,2\n"));

        reader.Read(out var problem);

        problem!.Code.ShouldBe(ImportCode.TooManyFields);
        Encoding.UTF8.GetString(reader.RawRow).ShouldBe("\"x \"\"y\"\"\",2,3\r\n");
    }

    /// <returns>null when every row is good</returns>
    private string? Refusal(byte[] bytes, char? delimiter = null)
    {
        try
        {
            using var reader = DelimitedReader.Open(_folder.Write("data.csv", bytes), delimiter);
            while (reader.Read())
            {
            }

            return null;
        }
        catch (InputException refused)
        {
            return refused.Message;
        }
    }
}
