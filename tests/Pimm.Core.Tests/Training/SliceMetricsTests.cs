using Pimm.Core.Datasets;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Statistics;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

public sealed class SliceMetricsTests
{
    private static readonly FeatureMap Map = new(
    [
        FeatureField.Categorical("one", ["a"]), FeatureField.Categorical("two", ["a", "b"]), FeatureField.Numeric("age", [30, 50.5]),
        FeatureField.Categorical("eight", [.. "abcdefgh".Select(letter => $"{letter}")]), FeatureField.Categorical("nine", [.. "abcdefghi".Select(letter => $"{letter}")]),
        FeatureField.Categorical("three", ["a", "b", "c"]), FeatureField.Categorical("four", ["a", "b", "c", "d"]),
        FeatureField.Categorical("city", [.. Enumerable.Range(0, 100).Select(number => $"c{number:00}")]),
    ]);

    [Fact]
    public void The_first_three_categorical_fields_with_two_to_eight_categories_are_taken_unless_some_are_named()
    {
        SliceMetrics.Fields(Map, null).ShouldBe([1, 3, 5]);
        SliceMetrics.Fields(Map, ["age", "two", "age"]).ShouldBe([2, 1]);
        SliceMetrics.Fields(Map, []).ShouldBeEmpty();
        Should.Throw<InputException>(() => SliceMetrics.Fields(Map, ["Age"])).Message.ShouldBe(
            "--slice Age is no feature of the model; there are one, two, age, eight, nine, three, four, city.");
        Should.Throw<InputException>(() => SliceMetrics.Fields(Map, ["city"])).Message.ShouldBe("--slice city has 101 values; at most 64 can be told apart: choose another column.");
    }

    [Fact]
    public void Every_value_has_its_rows_and_metrics_or_too_few()
    {
        using var toy = new ToyFunnel(3000);
        var rows = toy.Data.RowsOf(Split.Test);
        float[] probabilities = [.. rows.SelectMany(row => new[] { row % 7 / 10f, row % 5 / 20f })];
        byte[] labels = [.. rows.SelectMany(row => toy.Data.Labels(row, 1).ToArray())];

        var slices = SliceMetrics.Of(toy.Data, rows, new(["click", "buy"], probabilities, labels), [0]);

        slices.Select(slice => (slice.Field, slice.Value)).ShouldBe([("shop", "s0"), ("shop", "s1")]);
        slices.Sum(slice => slice.Rows).ShouldBe(rows.Length);
        int[] of = [.. Enumerable.Range(0, rows.Length).Where(place => toy.Data.Ids(rows[place], 1)[0] == 2)];
        byte[] clicked = [.. of.Select(place => labels[2 * place])];
        float[] predicted = [.. of.Select(place => probabilities[2 * place])];
        slices[1].Tasks[0].ShouldBe(new SliceTask(
            "click", clicked.Count(label => label == 1), RankingMetrics.Auc(clicked, predicted), predicted.Sum(p => (double)p) / clicked.Count(label => label == 1)));
        slices[0].Tasks[1].Positives.ShouldBeLessThan(SliceMetrics.FewestPositives);   // shop s0 sells to one in ten
        (slices[0].Tasks[1].Auc, slices[0].Tasks[1].Calibration).ShouldBe((null, null));
    }
}
