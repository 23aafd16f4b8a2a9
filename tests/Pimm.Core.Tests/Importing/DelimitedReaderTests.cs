using System.Text;
using Pimm.Core.Importing;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Importing;

public sealed class DelimitedReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Plain_and_gzip_files_give_the_same_rows_whatever_their_names_say()
    {
        const string text = "a,b\n1,x\n2,y\n";

        Rows(_folder.Write("plain.gz", text)).ShouldBe([["1", "x"], ["2", "y"]]);
        Rows(_folder.WriteGzip("packed.csv", text)).ShouldBe([["1", "x"], ["2", "y"]]);
    }

    [Theory]
    [InlineData("a,b\n\"x,y\",2\n", "x,y")]
    [InlineData("a,b\n\"he said \"\"no\"\"\",2\n", "he said \"no\"")]
    [InlineData("a,b\n\"two\nlines\",2\n", "two\nlines")]
    [InlineData("a,b\r\n\"two\r\nlines\",2\r\n", "two\r\nlines")]
    [InlineData("a,b\n\"\",2\n", "")]
    [InlineData("a,b\n\"\"\"\",2\n", "\"")]
    [InlineData("a,b\n5\" screen,2\n", "5\" screen")]
    [InlineData("a,b\nGrüße 客户,2", "Grüße 客户")]
    [InlineData("a,b\n\"x\",2", "x")]
    [InlineData("a,b\r\nx,2\r\n\r\n", "x")]
    [InlineData("\uFEFFa,b\nx,2\n", "x")]
    [InlineData("\uFEFF\"a\",\"b\"\n\nx,\"2\"", "x")]
    public void Quotes_and_line_ends_follow_rfc_4180(string text, string expected)
    {
        using var reader = DelimitedReader.Open(_folder.Write("data.csv", text));

        reader.Names.All.ShouldBe(["a", "b"]);
        reader.Read().ShouldBeTrue();
        Encoding.UTF8.GetString(reader[0]).ShouldBe(expected);
        Encoding.UTF8.GetString(reader[1]).ShouldBe("2");
        reader.Read().ShouldBeFalse();
    }

    [Theory]
    [InlineData("a;b;c\n1,5;2;3\n", ';')]
    [InlineData("a\tb\tc\n1\t2\t3\n", '\t')]
    [InlineData("a|b|c\n1|2|3\n", '|')]
    [InlineData("a,b,c\n1,2,x|y\n", ',')]
    [InlineData("name,\"x;y;z;w\"\n1,2\n", ',')]
    [InlineData("single\n1\n", ',')]
    public void The_delimiter_is_found(string text, char expected)
    {
        using var reader = DelimitedReader.Open(_folder.Write("data.csv", text));

        reader.Delimiter.ShouldBe(expected);
        reader.Read().ShouldBeTrue();
    }

    [Fact]
    public void A_delimiter_that_is_given_is_used()
    {
        using var reader = DelimitedReader.Open(_folder.Write("data.csv", "a^b;c\n1^2;3\n"), '^');

        reader.Names.All.ShouldBe(["a", "b;c"]);
    }

    [Fact]
    public void Lines_are_physical_lines_of_the_file()
    {
        using var reader = DelimitedReader.Open(_folder.Write("data.csv", "a,b\n\"1\n1\",x\n\n2,y\n"));

        reader.Read();
        reader.Line.ShouldBe(2);
        reader.Read();
        reader.Line.ShouldBe(5);
        reader.Rows.ShouldBe(2);
    }

    [Fact]
    public void Any_fields_that_were_written_are_read_back_across_buffer_ends()
    {
        var random = new RandomStream(7);
        var pieces = new[] { "\"", ",", "\n", "\r\n", "x", "é", "", "12.5", " ", "\"\"", "long text without anything special" };
        var rows = new List<string[]>();
        for (var row = 0; row < 20_000; row++)
        {
            rows.Add([.. Enumerable.Range(0, 3).Select(_ => string.Concat(Enumerable.Range(0, random.NextInt(5)).Select(_ => pieces[random.NextInt(pieces.Length)])))]);
        }

        rows.Add(["\"" + new string('z', 60_000), "\n" + new string('y', 60_000), "end"]);
        var path = _folder.At("data.csv");
        using (var writer = new DelimitedWriter(path))
        {
            foreach (var row in rows.Prepend(["a", "b", "c"]))
            {
                foreach (var field in row)
                {
                    writer.Write(field);
                }

                writer.EndRow();
            }

            writer.Complete();
        }

        new FileInfo(path).Length.ShouldBeGreaterThan(600_000);
        Rows(path).ShouldBe(rows);
    }

    [Fact]
    public void A_writer_that_is_not_completed_leaves_nothing()
    {
        using (var writer = new DelimitedWriter(_folder.At("data.csv")))
        {
            writer.Write("a"u8);
            writer.EndRow();
        }

        _folder.Files.ShouldBeEmpty();
    }

    [Fact]
    public void A_row_costs_no_allocation()
    {
        var text = new StringBuilder("a,b,c\n");
        for (var row = 0; row < 101_000; row++)
        {
            text.Append(row).Append(",\"quoted, \"\"text\"\"\",12.5\n");
        }

        using var reader = DelimitedReader.Open(_folder.WriteGzip("data.csv.gz", text.ToString()));
        for (var row = 0; row < 1000; row++)
        {
            reader.Read();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        var bytes = 0L;
        while (reader.Read())
        {
            bytes += reader[0].Length + reader[1].Length;
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(10_000);
        reader.Rows.ShouldBe(101_000);
        bytes.ShouldBeGreaterThan(1_000_000);
    }

    [Fact]
    public void Share_read_grows_to_one()
    {
        using var reader = DelimitedReader.Open(_folder.WriteGzip("data.csv.gz", "a\n" + string.Concat(Enumerable.Range(0, 200_000).Select(row => row + "\n"))));

        reader.Read();
        var first = reader.ShareRead;
        while (reader.Read())
        {
        }

        first.ShouldBeInRange(0.01, 0.99);
        reader.ShareRead.ShouldBe(1);
    }

    private static List<string[]> Rows(string path)
    {
        using var reader = DelimitedReader.Open(path);
        var rows = new List<string[]>();
        while (reader.Read())
        {
            var row = new string[reader.Names.All.Count];
            for (var place = 0; place < row.Length; place++)
            {
                row[place] = Encoding.UTF8.GetString(reader[place]);
            }

            rows.Add(row);
        }

        return rows;
    }
}
