using System.Text;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;
using Pimm.Core.Tests.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.FeatureEncoding;

public sealed class FeatureMapTests
{
    private static readonly FeatureEncodingOptions TwoOrMore = new() { MinimumCount = 2 };

    [Fact]
    public void Frequent_categories_get_ids_in_ordinal_order_and_all_others_are_0()
    {
        var map = Fit(["UK", "US", "US", "FR", "UK", "", "zz"]);

        map.Fields[0].ShouldSatisfyAllConditions(
            field => field.Kind.ShouldBe(FieldKind.Categorical),
            field => field.Vocabulary.ShouldBe(["UK", "US"]),
            field => field.VocabularySize.ShouldBe(3));
        Encode(map, "UK", "US", "FR", "", "uk").ShouldBe([1, 2, 0, 0, 0]);
    }

    [Fact]
    public void Numbers_of_many_values_are_binned_and_missing_ones_are_0()
    {
        var map = Fit([.. Enumerable.Range(0, 100).Select(value => value.ToString()), "", "NA"], new FeatureEncodingOptions { Bins = 4 });

        map.Fields[0].ShouldSatisfyAllConditions(
            field => field.Kind.ShouldBe(FieldKind.Numeric),
            field => field.Edges.ShouldBe([24.5, 49.5, 74.5]),
            field => field.VocabularySize.ShouldBe(5));
        Encode(map, "0", "24", "25", "99", "1e9", "-1e9", "", "n/k").ShouldBe([1, 1, 2, 4, 4, 1, 0, 0]);
        new double?[] { 24.5, 24.4, null, double.NaN, double.PositiveInfinity }.Select(value => map.Encode(0, value)).ShouldBe([2, 1, 0, 0, 0]);
    }

    [Fact]
    public void Numbers_of_few_values_are_categories_however_they_are_written()
    {
        var map = Fit(["1", "1.0", "2", "02", "10", "10", "NA"]);

        map.Fields[0].Vocabulary.ShouldBe(["1", "10", "2"]);
        Encode(map, "1", "1.00", "2", "10", "3", "NA").ShouldBe([1, 1, 3, 2, 0, 0]);
        map.Encode(0, 2.0).ShouldBe(3);
        map.Encode(0, (double?)null).ShouldBe(0);
    }

    [Fact]
    public void A_column_can_be_forced_to_be_numeric_and_then_refuses_text()
    {
        var fitter = new FeatureMapFitter(["age"], ["age"], TwoOrMore, "data.csv");
        foreach (var value in new[] { "1", "1", "2", "2", "NA" })
        {
            fitter.Observe(0, Encoding.UTF8.GetBytes(value), 2);
        }

        fitter.Fit().Map.Fields[0].Edges.ShouldBe([1.5]);
        Should.Throw<InputException>(() => fitter.Observe(0, "old"u8, 17)).Message
            .ShouldBe("data.csv, line 17, column 'age': 'old' is not a number; correct it, leave it empty, or take the column out of --numeric.");
    }

    [Theory]
    [InlineData(100)]
    [InlineData(20_000)]
    public void A_column_of_numbers_can_be_forced_to_be_categorical(int values)
    {
        var fitter = new FeatureMapFitter(["item"], [], TwoOrMore, "data.csv", ["item"]);
        for (var row = 0; row <= 2 * values; row++)
        {
            fitter.Observe(0, Encoding.UTF8.GetBytes((row / 2).ToString(System.Globalization.CultureInfo.InvariantCulture)), row + 2);
        }

        var field = fitter.Fit().Map.Fields[0];

        field.Kind.ShouldBe(FieldKind.Categorical);
        // The last value stands in one row only.
        field.Vocabulary.Count.ShouldBe(values);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(20_000)]
    public void A_stray_text_among_numbers_counts_as_missing_and_is_noted(int numbers)
    {
        var fitter = new FeatureMapFitter(["price"], [], TwoOrMore, "data.csv");
        for (var row = 0; row < numbers; row++)
        {
            fitter.Observe(0, Encoding.UTF8.GetBytes((row * 0.5).ToString(System.Globalization.CultureInfo.InvariantCulture)), row + 2);
        }

        fitter.Observe(0, "on request"u8, 99_999);
        var (map, notes) = fitter.Fit();

        map.Fields[0].Kind.ShouldBe(FieldKind.Numeric);
        map.Fields[0].Edges.Count.ShouldBe(31);
        notes.ShouldBe(["Column 'price' is read as numbers: 1 training rows hold something else (line 99999: 'on request') and count as missing."]);
    }

    [Fact]
    public void Columns_that_cannot_tell_rows_apart_are_left_out_with_a_note()
    {
        var fitter = new FeatureMapFitter(["same", "key", "empty", "good"], [], TwoOrMore, "data.csv");
        for (var row = 0; row < 1000; row++)
        {
            fitter.Observe(0, "x"u8, row);
            fitter.Observe(1, Encoding.UTF8.GetBytes("k" + row), row);
            fitter.Observe(2, ""u8, row);
            fitter.Observe(3, row % 2 == 0 ? "a"u8 : "b"u8, row);
        }

        var (map, notes) = fitter.Fit();

        map.Fields.Select(field => field.Name).ShouldBe(["good"]);
        notes.ShouldBe(
        [
            "Column 'same' is not used: it has the same value in all training rows.",
            "Column 'key' is not used: none of its 1,000 different values occurs in 2 training rows.",
            "Column 'empty' is not used: it has the same value in all training rows.",
        ]);
    }

    [Fact]
    public void Too_many_categories_are_refused()
    {
        var fitter = new FeatureMapFitter(["key"], [], new FeatureEncodingOptions { MaximumCategories = 20_000 }, "data.csv");

        Should.Throw<InputException>(() =>
        {
            for (var row = 0; row < 30_000; row++)
            {
                fitter.Observe(0, Encoding.UTF8.GetBytes("k" + row), row);
            }
        }).Message.ShouldBe("data.csv: column 'key' has more than 20,000 different values; it looks like an identifier, leave it out with --ignore.");
    }

    [Fact]
    public void A_map_is_the_same_after_saving_whatever_the_order_of_rows()
    {
        string[] values = ["b \"x\"", "a", "Grüße", "b \"x\"", "a", "Grüße"];
        var map = Fit(values);

        Fit([.. values.Reverse()]).ToJson().ShouldBe(map.ToJson());
        FeatureMap.FromJson(map.ToJson()).ShouldBe(map);
        map.ToJson().ShouldBe("""{"version":1,"fields":[{"name":"column","kind":"categorical","vocabulary":["Grüße","a","b \"x\""]}]}""");
    }

    [Fact]
    public void Edges_are_the_same_after_saving_to_the_last_bit()
    {
        double[] edges = [-1e-300, 0.1 + 0.2, Math.PI, 1e300];
        var map = new FeatureMap([FeatureField.Numeric("x", edges)]);

        FeatureMap.FromJson(map.ToJson()).Fields[0].Edges.ShouldBe(edges);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"version":1,"fields":[]}""")]
    [InlineData("""{"version":2,"fields":[]}""")]
    [InlineData("""{"version":1,"fields":[{"name":"x","kind":"numeric","edges":[2,1]}]}""")]
    [InlineData("""{"version":1,"fields":[{"name":"x","kind":"categorical","vocabulary":["a","a"]}]}""")]
    [InlineData("""{"version":1,"fields":[{"name":"x","kind":"text"}]}""")]
    [InlineData("""{"version":1,"fields":[{"name":"x","kind":"numeric","edges":[]},{"name":"x","kind":"numeric","edges":[]}]}""")]
    public void What_is_no_feature_map_is_refused(string json) => Should.Throw<InputException>(() => FeatureMap.FromJson(json));

    [Fact]
    public void Encoding_costs_no_allocation()
    {
        var map = new FeatureMap(
        [
            FeatureField.Categorical("country", ["UK", "US"]), FeatureField.Categorical("code", ["1", "2"]), FeatureField.Numeric("age", [1, 2, 3]),
        ]);
        var sum = EncodeAll(map, 1000);

        var before = GC.GetAllocatedBytesForCurrentThread();
        sum += EncodeAll(map, 100_000);

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1_000);
        sum.ShouldBe(101_000 * (1 + 2 + 2 + 3 + 0 + 2));
    }

    [Fact]
    public void Rows_of_another_file_are_encoded_by_name()
    {
        using var folder = new TemporaryFolder();
        var map = new FeatureMap([FeatureField.Categorical("country", ["UK", "US"]), FeatureField.Numeric("age", [30])]);
        using var reader = DelimitedReader.Open(folder.Write("new.csv", "age;extra;country\n40;x;US\n;y;FR\n"));
        using var other = DelimitedReader.Open(folder.Write("old.csv", "aged,country\n40,US\n"));
        var (encoder, ids) = (new RowEncoder(map, reader.Names), new int[2]);

        reader.Read();
        encoder.Encode(reader, ids);
        ids.ShouldBe([2, 2]);
        reader.Read();
        encoder.Encode(reader, ids);
        ids.ShouldBe([0, 0]);
        Should.Throw<InputException>(() => new RowEncoder(map, other.Names)).Message.ShouldBe("old.csv has no column 'age'; did you mean 'aged'?");
    }

    [Theory]
    [InlineData(0, 32, 20, 10, "The minimum count is 0; it must be at least 1.")]
    [InlineData(5, 1, 20, 10, "The number of bins is 1; it must be between 2 and 1,024.")]
    [InlineData(5, 32, -1, 10, "The number of values above which numbers are binned is -1; it must be at least 0.")]
    [InlineData(5, 32, 20, 0, "The maximum of categories is 0; it must be at least 1.")]
    public void Options_out_of_range_are_refused(int minimum, int bins, int numericAbove, int categories, string sentence)
    {
        var options = new FeatureEncodingOptions { MinimumCount = minimum, Bins = bins, NumericAbove = numericAbove, MaximumCategories = categories };

        Should.Throw<InputException>(options.Validate).Message.ShouldBe(sentence);
    }

    private static int EncodeAll(FeatureMap map, int times)
    {
        var sum = 0;
        for (var time = 0; time < times; time++)
        {
            sum += map.Encode(0, "UK"u8) + map.Encode(0, "US".AsSpan()) + map.Encode(1, 2.0) + map.Encode(2, "2.5"u8) + map.Encode(2, ""u8) + map.Encode(2, 1.5);
        }

        return sum;
    }

    private static FeatureMap Fit(string[] values, FeatureEncodingOptions? options = null)
    {
        var fitter = new FeatureMapFitter(["column"], [], options ?? TwoOrMore, "data.csv");
        for (var row = 0; row < values.Length; row++)
        {
            fitter.Observe(0, Encoding.UTF8.GetBytes(values[row]), row + 2);
        }

        return fitter.Fit().Map;
    }

    private static int[] Encode(FeatureMap map, params string[] values) => [.. values.Select(value => map.Encode(0, Encoding.UTF8.GetBytes(value)))];
}
