using Pimm.Core.Datasets;
using Pimm.Core.Tests.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Datasets;

/// <summary>Features that were recorded after the outcome are named and refused, unless they are allowed by name.</summary>
public sealed class LeakCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("1", "0")]
    [InlineData("1.0", "0")]
    [InlineData("yes", "no")]
    [InlineData("true", "false")]
    [InlineData("0", "1")]
    [InlineData("2026-03-01", "")]
    public void A_feature_that_equals_a_label_in_whatever_words(string one, string zero)
    {
        var text = With(",bought", (row, _) => row[^1] == '1' ? one : zero);

        Refusal(text).ShouldBe(
            "data.csv: feature 'bought' equals the label 'buy' on 1,440 training rows (bound 0.99), so probably recorded after the outcome; leave out with --ignore bought, or keep with --allow-leak bought.");
        Refusal(text, options => options with { Ignore = ["id", "bought"] }).ShouldBeNull();
        Notes(text, ["bought"]).ShouldBe(["Feature 'bought' equals the label 'buy' on 1,440 training rows; it is kept because --allow-leak names it."]);
    }

    [Fact]
    public void A_feature_that_gives_a_label_away()
    {
        var text = With(",revenue", (row, place) => $"{(row[^1] == '1' ? 500 + (place % 400) : place % 400)}");

        Refusal(text).ShouldBe(
            "data.csv: feature 'revenue' alone predicts the label 'buy' with an AUC of 1.000 on 1,440 training rows (bound 0.99), so probably recorded after the outcome; leave out with --ignore revenue, or keep with --allow-leak revenue.");
        Notes(text, ["revenue"]).ShouldHaveSingleItem().ShouldStartWith("Feature 'revenue' alone predicts the label 'buy' with an AUC of 1.000");
    }

    [Fact]
    public void Two_features_that_leak_are_named_in_one_sentence_the_worse_first()
    {
        // For a hundredth of the purchases the visits look like those of anybody.
        var text = With(",visits,paid", (row, place) => $"{(row[^1] == '1' && place % 100 > 0 ? 500 + (place % 400) : place % 400)},{(row[^1] == '1' ? "yes" : "no")}");

        (Refusal(text) ?? "accepted").ShouldMatch(
            @"^data\.csv: feature 'paid' equals the label 'buy', 'visits' alone predicts the label 'buy' with an AUC of 0\.99\d on 1,440 training rows \(bound 0\.99\), so probably recorded after the outcome; leave out with --ignore paid,visits, or keep with --allow-leak paid,visits\.$");
        (Refusal(text, options => options with { AllowLeak = ["paid"] }) ?? "accepted").ShouldStartWith("data.csv: feature 'visits' alone predicts");
        Notes(text, ["visits", "paid"]).Count.ShouldBe(2);
    }

    [Fact]
    public void Of_many_leaks_five_are_named()
    {
        var columns = Enumerable.Range(1, 7).ToArray();
        var text = With(string.Concat(columns.Select(column => $",copy{column}")), (row, _) => string.Join(',', columns.Select(_ => row[^3])));

        Refusal(text).ShouldNotBeNull().ShouldContain("'copy4' equals the label 'click', 'copy5' equals the label 'click' and 2 more on 1,440 training rows");
    }

    [Fact]
    public void A_strong_feature_below_the_bound_is_no_leak()
    {
        // Wrong in every twentieth row: AUC 0.95.
        var text = With(",interest", (row, place) => (row[^1] == '1') == (place % 20 > 0) ? "high" : "low");

        Refusal(text).ShouldBeNull();
    }

    [Fact]
    public void Many_rare_categories_are_no_leak()
    {
        // 1,000 categories of 2 rows and 60 positives: ranked by the rates of the very same rows they reach an AUC of 0.99.
        var text = TrainingFile.Text(
            TrainingFile.Rows().Select((row, place) => row[..^3] + (place % 33 == 0 ? "1,1" : "1,0") + ",c" + (place * 7919 % 1000)), TrainingFile.Header + ",shop");
        text = text.Replace(",1,0,c0\n", ",0,0,c0\n", StringComparison.Ordinal);

        Refusal(text, options => options with { Encoding = options.Encoding with { MinimumCount = 1 } }).ShouldBeNull();
    }

    private static string With(string columns, Func<string, int, string> values) =>
        TrainingFile.Text(TrainingFile.Rows().Select((row, place) => row + "," + values(row, place)), TrainingFile.Header + columns);

    private IReadOnlyList<string> Notes(string text, IReadOnlyList<string> allowed)
    {
        var (_, snapshot, summary) = DatasetBuilder.FromFile(TrainingFile.Options(_folder.Write("data.csv", text)) with { AllowLeak = allowed });
        snapshot.Dispose();
        return summary.Notes;
    }

    private string? Refusal(string text, Func<DatasetOptions, DatasetOptions>? change = null)
    {
        var options = TrainingFile.Options(_folder.Write("data.csv", text)) with { SnapshotPath = _folder.At("snapshot") };
        try
        {
            DatasetBuilder.FromFile(change?.Invoke(options) ?? options).Snapshot.Dispose();
            return null;
        }
        catch (InputException refused)
        {
            File.Exists(_folder.At("snapshot")).ShouldBeFalse();
            return refused.Message;
        }
        finally
        {
            File.Delete(_folder.At("snapshot"));
        }
    }
}
