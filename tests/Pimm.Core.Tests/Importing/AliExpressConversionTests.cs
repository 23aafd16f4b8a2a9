using System.Globalization;
using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Importing;

public sealed class AliExpressConversionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Item_rows_get_their_page_whatever_the_order_of_the_files()
    {
        // A value says where it comes from: page 7's column 2 is 7.02, the first item row's column 48 is 101.48.
        var users = Page(7) + Page(8) + Page(9);
        var items = Item(9, 101, "2") + Item(7, 102, "0") + Item(9, 103, "1") + Item(5, 104, "1");

        var summary = Convert(users, items);

        var lines = File.ReadAllLines(_folder.At("out.csv"));
        lines.Length.ShouldBe(4);
        lines.Select(line => line.Split(',').Length).Distinct().ShouldBe([2 + 16 + 63]);
        lines[0].ShouldStartWith("click,conversion,user_2,user_3,user_4,user_5,user_6,user_7,user_8,user_32,user_33,item_19,item_34,item_35,item_36,item_40,item_41,item_42,user_9,user_10,");
        lines[0].ShouldEndWith(",user_31,item_2,item_3,item_4,item_5,item_6,item_7,item_8,item_9,item_10,item_11,item_12,item_13,item_14,item_15,item_16,item_17,item_18,item_20,item_21,item_22,"
            + "item_23,item_24,item_25,item_26,item_27,item_28,item_29,item_30,item_31,item_32,item_33,item_37,item_38,item_39,item_43,item_44,item_45,item_46,item_47,item_48");
        lines[1].ShouldStartWith("1,1,9.02,9.03,9.04,9.05,9.06,9.07,9.08,9.32,9.33,101.19,101.34,101.35,101.36,101.40,101.41,101.42,9.09,9.10,");
        lines[1].ShouldEndWith(",101.47,101.48");
        lines[2].ShouldStartWith("0,0,7.02,");
        lines[3].ShouldStartWith("1,0,9.02,");
        for (var row = 1; row < lines.Length; row++)
        {
            AllPlaces(lines[0]).ShouldBe(AllPlaces(lines[row]));
        }

        (summary.Rows, summary.Unmatched, summary.Pages).ShouldBe((3, 1, 3));
    }

    [Fact]
    public void Every_column_of_the_output_is_categorical_or_numerical()
    {
        AliExpressConversion.CategoricalColumns.Count.ShouldBe(16);
        AliExpressConversion.NumericalColumns.Count.ShouldBe(63);
        AliExpressConversion.CategoricalColumns.Intersect(AliExpressConversion.NumericalColumns).ShouldBeEmpty();
    }

    [Fact]
    public void Missing_values_stay_missing()
    {
        Convert(Page(7).Replace("7.05", ""), Item(7, 101, "1.0").Replace("101.48", ""));

        var row = File.ReadAllLines(_folder.At("out.csv"))[1];
        row.ShouldStartWith("1,0,7.02,7.03,7.04,,7.06,");
        row.ShouldEndWith(",101.47,");
    }

    [Fact]
    public void Bad_files_are_refused_with_file_and_line_and_nothing_is_written()
    {
        Refusal(Page(7) + Page(8) + Page(7), Item(7, 101, "0")).ShouldStartWith("user.csv, line 3: search id '7' has a row already;");
        Refusal(Page(7) + "8,1,2\n", Item(7, 101, "0")).ShouldStartWith("user.csv, line 2: 3 columns where a row has 33 (search_id,…,user_33);");
        Refusal(Page(7), Item(7, 101, "0") + Item(7, 102, "3")).ShouldStartWith("item.csv, line 2: label is '3' and must be 0, 1 or 2;");
        Refusal(Page(7), Item(7, 101, "")).ShouldStartWith("item.csv, line 1: label is '' and must be 0, 1 or 2;");
        Refusal(Page(7).Replace("7.31", "red"), Item(7, 101, "0")).ShouldStartWith("user.csv, line 1: user_31 is 'red' and must be a number or empty;");
        Refusal(Page(7), Item(7, 101, "0").Replace("101.02", "x")).ShouldStartWith("item.csv, line 1: item_2 is 'x' and must be a number or empty;");
        Refusal(Page(7), Item(8, 101, "0")).ShouldBe("No search id of item.csv is in user.csv; give the two files of the same country and part.");
        Refusal("", Item(8, 101, "0")).ShouldStartWith("user.csv is empty;");
    }

    /// <summary>The hundredths of every value, or the number in every column's name: the place in its file.</summary>
    private static int[] AllPlaces(string line) =>
        [.. line.Split(',').Skip(2).Select(text => int.Parse(text.Split('_', '.')[1], CultureInfo.InvariantCulture))];

    private static string Page(int search) => $"{search},{string.Join(',', Enumerable.Range(2, 32).Select(place => $"{search}.{place:00}"))}\n";

    private static string Item(int search, int row, string label) =>
        $"{search},{string.Join(',', Enumerable.Range(2, 47).Select(place => $"{row}.{place:00}"))},{label}\n";

    private AliExpressSummary Convert(string users, string items) => AliExpressConversion.Run(
        new AliExpressOptions { User = _folder.Write("user.csv", users), Item = _folder.Write("item.csv", items), Output = _folder.At("out.csv") },
        TimeProvider.System,
        static _ => { },
        TestContext.Current.CancellationToken);

    private string Refusal(string users, string items)
    {
        var message = Should.Throw<InputException>(() => Convert(users, items)).Message;
        _folder.Files.ShouldBe(["item.csv", "user.csv"]);
        return message;
    }
}
