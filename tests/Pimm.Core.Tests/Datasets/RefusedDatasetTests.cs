using System.Text;
using Pimm.Core.Datasets;
using Pimm.Core.Tests.Importing;
using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Datasets;

/// <summary>The kinds of bad input to training: one exact sentence each, and nothing written.</summary>
public sealed class RefusedDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_empty_file() => Refusal("").ShouldBe("data.csv is empty; it must hold a header line and rows.");

    [Fact]
    public void A_header_without_rows() =>
        Refusal(TrainingFile.Header + "\n").ShouldBe("data.csv has a header and no rows; it must hold at least one row.");

    [Fact]
    public void A_missing_column() =>
        Refusal(TrainingFile.Text(TrainingFile.Rows(), "id,age,country,clicks,buy")).ShouldBe("data.csv has no column 'click'; did you mean 'clicks'?");

    [Fact]
    public void An_unbalanced_quote() =>
        Refusal(With(1500, "u1500,30,\"UK,0,0")).ShouldBe(
            "data.csv, line 1502, column 'country': the quote opened here is not closed at the end of the field; close it, or double each quote inside the field.");

    [Fact]
    public void A_wrong_delimiter() =>
        Refusal(TrainingFile.Text(TrainingFile.Rows()), options => options with { Delimiter = ';' })
            .ShouldBe("data.csv, line 1: split at ';' the header is one column, but it holds ',' 4 times; give --delimiter ','.");

    [Fact]
    public void A_nul_byte() =>
        Refusal(With(1500, "u1500,30,U\0K,0,0")).ShouldBe(
            "data.csv, line 1502, column 'country': a NUL byte; the file is damaged or not text, export it again as UTF-8 CSV.");

    [Fact]
    public void Text_in_utf_16() =>
        Refusal([.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(TrainingFile.Text(TrainingFile.Rows()))], options => options)
            .ShouldBe("data.csv is UTF-16 text; save it as UTF-8.");

    [Theory]
    [InlineData("2", "the label is '2'")]
    [InlineData("yes", "the label is 'yes'")]
    [InlineData("0.5", "the label is '0.5'")]
    [InlineData("", "the label is missing")]
    public void A_label_that_is_neither_0_nor_1(string label, string found) =>
        Refusal(With(1500, "u1500,30,UK," + label + ",0")).ShouldBe($"data.csv, line 1502, column 'click': {found}; a label must be 0 or 1.");

    [Fact]
    public void A_funnel_out_of_order()
    {
        Refusal(With(0, "u0,30,UK,0,1")).ShouldBe(
            "data.csv: 1 of 2,000 rows break the funnel's order (line 2; the first: 'buy' is 1 where 'click' is 0); correct them or choose --order reject, cascade-up or cascade-down.");
        Refusal(TrainingFile.Text(TrainingFile.Rows().Select((row, place) => place % 100 == 0 ? $"u{place},30,UK,0,1" : row))).ShouldBe(
            "data.csv: 20 of 2,000 rows break the funnel's order (lines 2, 102, 202, 302, 402, …; the first: 'buy' is 1 where 'click' is 0); correct them or choose --order reject, cascade-up or cascade-down.");
    }

    [Fact]
    public void Every_row_rejected() =>
        Refusal(TrainingFile.Text(Enumerable.Repeat("u,30,UK,0,1", 100)), options => options with { Order = FunnelOrder.Reject }).ShouldBe(
            "data.csv: no row is left after rejecting those that break the funnel's order; correct the labels or choose another --order.");

    [Fact]
    public void A_task_of_one_class() =>
        Refusal(TrainingFile.Text(TrainingFile.Rows().Select(row => row[..^1] + "0"))).ShouldBe(
            "data.csv: task 'buy' is 0 in all 2,000 rows; a task needs both 0 and 1, so leave it out of --tasks or add rows.");

    [Fact]
    public void Ten_thousand_columns() =>
        Refusal(string.Join(',', Enumerable.Range(0, 10_000).Select(column => "c" + column)) + "\n" + new string(',', 9_999) + "\n")
            .ShouldBe("data.csv has 10,000 columns: at most 1,024 columns are allowed, so leave out those that are not needed.");

    [Fact]
    public void A_time_or_an_amount_that_cannot_be_read()
    {
        var text = TrainingFile.Text(TrainingFile.Rows(100).Select(row => row + ",31/02/2026"), TrainingFile.Header + ",extra");

        Refusal(text, options => options with { Time = "extra" }).ShouldBe(
            "data.csv, line 2, column 'extra': the time is '31/02/2026'; a time must be a whole number or ISO 8601 such as 2026-01-31T08:00:00Z.");
        Refusal(text, options => options with { Amount = "extra" }).ShouldBe(
            "data.csv, line 2, column 'extra': the amount is '31/02/2026'; an amount must be a number with a decimal point or empty.");
    }

    [Fact]
    public void A_part_or_a_true_probability_that_cannot_be_used()
    {
        var text = TrainingFile.Text(TrainingFile.Rows(100).Select((row, place) => row + (place == 7 ? ",valid,1.5" : ",train,0.5")), TrainingFile.Header + ",part,p");

        Refusal(text, options => options with { Part = "part" }).ShouldBe("data.csv, line 9, column 'part': the part is 'valid'; a part must be train or test.");
        Refusal(text, options => options with { Tasks = ["click"], Truth = ["p"] }).ShouldBe(
            "data.csv, line 9, column 'p': the true probability is '1.5'; it must be a number from 0 to 1.");
        Refusal(text, options => options with { Truth = ["p"] }).ShouldBe(
            "There are 1 columns of true probabilities and 2 tasks; give one for each task, in the same order.");
        Refusal(text, options => options with { Part = "part", Time = "p" }).ShouldBe("A time column and a part column exclude each other; give one of the two.");
        Refusal(text.Replace("valid,1.5", "train,", StringComparison.Ordinal), options => options with { Part = "part" }).ShouldBe(
            "data.csv: of 100 rows none falls into the test part; give more rows, both train and test in column 'part'.");
    }

    [Fact]
    public void A_part_without_rows()
    {
        Refusal(TrainingFile.Text(TrainingFile.Rows(3))).ShouldBe("data.csv: of 3 rows none falls into the validation part; give more rows.");
        Refusal(TrainingFile.Text(TrainingFile.Rows(100).Select(row => row + ",5"), TrainingFile.Header + ",week"), options => options with { Time = "week" }).ShouldBe(
            "data.csv: of 100 rows none falls into the train part; give more rows or a --time column with more different values than 'week'.");
    }

    [Fact]
    public void Columns_with_two_roles_or_none()
    {
        var text = TrainingFile.Text(TrainingFile.Rows(100));

        Refusal(text, options => options with { Tasks = ["click", "click"] }).ShouldBe("Column 'click' is given as a task and as a task; it can be one of the two.");
        Refusal(text, options => options with { Tasks = [] }).ShouldBe("There are 0 tasks; give from 1 to 16 label columns.");
        Refusal(text, options => options with { Ignore = ["id", "age", "country"] }).ShouldBe("No column is left as a feature; give --features or ignore fewer columns.");
        Refusal(text, options => options with { Features = ["age"] }).ShouldBe("Features and columns to ignore exclude each other; give one of the two lists.");
        Refusal(text, options => options with { Ignore = [], Features = ["age", "buy"] }).ShouldBe("Column 'buy' is given as a feature and as a task; it can be one of the two.");
        Refusal(text, options => options with { Categorical = ["id"] }).ShouldBe("Column 'id' is given with --categorical but is not a feature; take it out of one of the lists.");
        Refusal(text, options => options with { Categorical = ["age"], Numeric = ["age"] }).ShouldBe("Column 'age' is given as categorical and as numeric; it can be one of the two.");
        Refusal(text, options => options with { Numeric = ["id"] }).ShouldBe("Column 'id' is given with --numeric but is not a feature; take it out of one of the lists.");
    }

    private static string With(int row, string line)
    {
        var rows = TrainingFile.Rows().ToArray();
        rows[row] = line;
        return TrainingFile.Text(rows);
    }

    private string? Refusal(string text, Func<DatasetOptions, DatasetOptions>? change = null) => Refusal(Encoding.UTF8.GetBytes(text), change ?? (options => options));

    /// <returns>null when the file is accepted</returns>
    private string? Refusal(byte[] bytes, Func<DatasetOptions, DatasetOptions> change)
    {
        var options = TrainingFile.Options(_folder.Write("data.csv", bytes)) with { SnapshotPath = _folder.At("snapshot"), WriteSplits = _folder.At("splits") };
        try
        {
            DatasetBuilder.FromFile(change(options)).Snapshot.Dispose();
            return null;
        }
        catch (InputException refused)
        {
            _folder.Files.ShouldBe(["data.csv"], "nothing may be half-written");
            return refused.Message;
        }
        finally
        {
            File.Delete(_folder.At("snapshot"));
            if (Directory.Exists(_folder.At("splits")))
            {
                Directory.Delete(_folder.At("splits"), recursive: true);
            }
        }
    }
}
