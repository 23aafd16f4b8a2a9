using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pimm.Core.Datasets;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;
using Pimm.Core.Tests.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Datasets;

public sealed class DatasetBuilderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_snapshot_holds_the_rows_of_the_file()
    {
        var rows = TrainingFile.Rows();
        var options = Options(rows) with { SnapshotPath = _folder.At("rows.snapshot") };

        var (map, built, summary) = DatasetBuilder.FromFile(options);
        built.Dispose();
        using var snapshot = Snapshot.Open(_folder.At("rows.snapshot"));

        snapshot.Rows.ShouldBe(2000);
        snapshot.TaskNames.ShouldBe(["click", "buy"]);
        snapshot.FieldNames.ShouldBe(["age", "country"]);
        snapshot.FeatureMap.ShouldBe(map);
        snapshot.VocabularySizes.ShouldBe(map.VocabularySizes);
        for (var row = 0; row < rows.Count; row++)
        {
            var fields = rows[row].Split(',');
            snapshot.Ids(row, 1).ToArray().ShouldBe([map.Encode(0, fields[1].AsSpan()), map.Encode(1, fields[2].AsSpan())]);
            snapshot.Labels(row, 1).ToArray().ShouldBe([byte.Parse(fields[3], CultureInfo.InvariantCulture), byte.Parse(fields[4], CultureInfo.InvariantCulture)]);
        }

        snapshot.Ids(10, 3).ToArray().ShouldBe([.. snapshot.Ids(10, 1).ToArray(), .. snapshot.Ids(11, 1).ToArray(), .. snapshot.Ids(12, 1).ToArray()]);
        summary.ShouldSatisfyAllConditions(
            () => summary.FileRows.ShouldBe(2000),
            () => summary.TrainRows.ShouldBe(snapshot.RowsOf(Split.Train).Length),
            () => summary.ValidationRows.ShouldBe(snapshot.RowsOf(Split.Validation).Length),
            () => summary.CalibrationRows.ShouldBe(snapshot.RowsOf(Split.Calibration).Length),
            () => summary.TestRows.ShouldBe(snapshot.RowsOf(Split.Test).Length));
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_seed_another_split()
    {
        var options = Options(TrainingFile.Rows());

        DatasetBuilder.FromFile(options with { SnapshotPath = _folder.At("one") }).Snapshot.Dispose();
        DatasetBuilder.FromFile(options with { SnapshotPath = _folder.At("two") }).Snapshot.Dispose();
        DatasetBuilder.FromFile(options with { SnapshotPath = _folder.At("three"), Seed = 2 }).Snapshot.Dispose();

        File.ReadAllBytes(_folder.At("two")).ShouldBe(File.ReadAllBytes(_folder.At("one")));
        File.ReadAllBytes(_folder.At("three")).ShouldNotBe(File.ReadAllBytes(_folder.At("one")));
    }

    [Fact]
    public void Only_training_rows_decide_what_is_known()
    {
        var rows = TrainingFile.Rows();
        using var first = DatasetBuilder.FromFile(Options(rows)).Snapshot;
        var train = first.RowsOf(Split.Train).ToHashSet();
        var changed = rows.Select((row, place) => train.Contains(place) ? row : row.Replace(",UK,", ",XX,", StringComparison.Ordinal));

        using var second = DatasetBuilder.FromFile(Options([.. changed])).Snapshot;

        second.FeatureMap.ShouldBe(first.FeatureMap);
        second.FeatureMap.Encode(1, "XX"u8).ShouldBe(0);
    }

    [Fact]
    public void Encoded_ids_are_categories_where_all_features_are_said_to_be()
    {
        var options = Options(TrainingFile.Rows());

        Kinds(options).ShouldBe([FieldKind.Numeric, FieldKind.Categorical]);
        Kinds(options with { Categorical = ["all"] }).ShouldBe([FieldKind.Categorical, FieldKind.Categorical]);
        Kinds(options with { Categorical = ["age"] }).ShouldBe([FieldKind.Categorical, FieldKind.Categorical]);
        Kinds(options with { Categorical = ["all"], Numeric = ["age"] }).ShouldBe([FieldKind.Numeric, FieldKind.Categorical]);

        static IEnumerable<FieldKind> Kinds(DatasetOptions options)
        {
            var dataset = DatasetBuilder.FromFile(options);
            dataset.Snapshot.Dispose();
            return dataset.Map.Fields.Select(field => field.Kind);
        }
    }

    [Fact]
    public void Amounts_are_kept_and_missing_ones_are_0()
    {
        var rows = TrainingFile.Rows(500).Select((row, place) => row + "," + (place % 3 == 0 ? "" : "12.5"));
        var path = _folder.Write("data.csv", TrainingFile.Text(rows, TrainingFile.Header + ",spent"));

        using var snapshot = DatasetBuilder.FromFile(TrainingFile.Options(path) with { Amount = "spent" }).Snapshot;

        snapshot.FieldNames.ShouldBe(["age", "country"]);
        snapshot.Amounts(0, 4).ToArray().ShouldBe([0, 12.5f, 12.5f, 0]);
        Should.Throw<InvalidOperationException>(() => snapshot.Times(0, 1).ToArray());
    }

    [Theory]
    [InlineData(FunnelOrder.Reject, 1998, 0, 0)]
    [InlineData(FunnelOrder.CascadeUp, 2000, 1, 1)]
    [InlineData(FunnelOrder.CascadeDown, 2000, 0, 0)]
    public void A_rule_repairs_labels_out_of_order(FunnelOrder rule, long expectedRows, byte click, byte buy)
    {
        var rows = TrainingFile.Rows().ToArray();
        rows[0] = "u0,30,UK,0,1";
        rows[9] = "u9,30,UK,0,1";

        var (_, snapshot, summary) = DatasetBuilder.FromFile(Options(rows) with { Order = rule });

        summary.OutOfOrder.ShouldBe(2);
        snapshot.Rows.ShouldBe(expectedRows);
        if (rule != FunnelOrder.Reject)
        {
            snapshot.Labels(0, 1).ToArray().ShouldBe([click, buy]);
        }

        snapshot.Dispose();
    }

    [Fact]
    public void Split_files_hold_the_very_rows_with_their_original_values()
    {
        var rows = TrainingFile.Rows().ToArray();
        rows[0] = "u0,30,\"U,K \"\"x\"\"\",0,1";
        var options = Options(rows) with { WriteSplits = _folder.At("splits"), Order = FunnelOrder.CascadeUp };

        using var snapshot = DatasetBuilder.FromFile(options).Snapshot;

        var expected = rows.Select(row => row[(row.IndexOf(',', StringComparison.Ordinal) + 1)..]).ToArray();
        expected[0] = "30,\"U,K \"\"x\"\"\",1,1";
        foreach (var (splits, name) in new[] { ([Split.Train], "train.csv"), ([Split.Validation, Split.Calibration], "validation.csv"), (new[] { Split.Test }, "test.csv") })
        {
            File.ReadAllLines(_folder.At("splits/" + name))
                .ShouldBe(["age,country,click,buy", .. splits.SelectMany(snapshot.RowsOf).Order().Select(row => expected[row])]);
        }

        File.ReadAllText(_folder.At("splits/columns.json")).ShouldBe("""{"tasks":["click","buy"],"numeric":["age"],"categorical":["country"]}""" + "\n");
    }

    [Fact]
    public async Task Rows_of_a_database_give_the_same_snapshot_as_a_file()
    {
        var rows = TrainingFile.Rows();
        var options = Options(rows) with { SnapshotPath = _folder.At("file") };
        DatasetBuilder.FromFile(options).Snapshot.Dispose();

        var dataset = await DatasetBuilder.FromRowsAsync("training_history", TrainingFile.Header.Split(','), async (writer, cancellation) =>
        {
            foreach (var fields in rows.Select(row => row.Split(',')))
            {
                await Task.Yield();
                writer.Write(fields[0]);
                writer.Write(double.Parse(fields[1], CultureInfo.InvariantCulture));
                writer.Write(fields[2].Length == 0 ? null : fields[2]);
                writer.Write(fields[3] == "1");
                writer.Write(fields[4] == "1");
                writer.EndRow();
            }
        }, options with { SnapshotPath = _folder.At("database") });
        dataset.Snapshot.Dispose();

        File.ReadAllBytes(_folder.At("database")).ShouldBe(File.ReadAllBytes(_folder.At("file")));
    }

    [Fact]
    public async Task A_row_with_a_column_missing_is_a_mistake_of_the_caller()
    {
        var mistake = await Should.ThrowAsync<InvalidOperationException>(DatasetBuilder.FromRowsAsync("rows", ["a", "b"], (writer, _) =>
        {
            writer.Write("1"u8);
            writer.EndRow();
            return Task.CompletedTask;
        }, TrainingFile.Options("")));

        mistake.Message.ShouldBe("A row of 1 fields was written under a header of 2.");
    }

    [Fact]
    public void A_temporary_snapshot_goes_away_with_its_owner()
    {
        var snapshot = DatasetBuilder.FromFile(Options(TrainingFile.Rows())).Snapshot;
        File.Exists(snapshot.Path).ShouldBeTrue();

        snapshot.Dispose();

        File.Exists(snapshot.Path).ShouldBeFalse();
        Should.Throw<ObjectDisposedException>(() => snapshot.Ids(0, 1).ToArray());
    }

    [Fact]
    public void Progress_names_the_three_steps_and_cancelling_leaves_nothing()
    {
        var options = Options(TrainingFile.Rows(30_000)) with { SnapshotPath = _folder.At("snapshot"), WriteSplits = _folder.At("splits") };
        var steps = new List<string>();
        using var cancel = new CancellationTokenSource();

        Should.Throw<OperationCanceledException>(() => DatasetBuilder.FromFile(options, new Steps(progress =>
        {
            steps.Add(progress.Step);
            if (progress.Step == "encoding")
            {
                cancel.Cancel();
            }
        }), cancel.Token));

        steps.Distinct().ShouldBe(["labels", "features", "encoding"]);
        _folder.Files.ShouldBe(["data.csv"]);
    }

    [Fact]
    public void Rows_are_encoded_without_an_allocation_each()
    {
        var (small, large) = (Allocated(10_000), Allocated(110_000));

        // Labels and row numbers of all rows are kept, 2 + 8 bytes a row in lists that double; splits, draws and their order are
        // 1 + 8 + 4. A string a field would be 100 and more.
        ((large - small) / 100_000.0).ShouldBeLessThan(60);
    }

    [Fact]
    public void A_file_that_is_no_snapshot_is_refused()
    {
        DatasetBuilder.FromFile(Options(TrainingFile.Rows()) with { SnapshotPath = _folder.At("whole") }).Snapshot.Dispose();
        var whole = File.ReadAllBytes(_folder.At("whole"));

        Should.Throw<InputException>(() => Snapshot.Open(_folder.Write("cut", whole[..^1])));
        Should.Throw<InputException>(() => Snapshot.Open(_folder.Write("empty", "")));
        Should.Throw<InputException>(() => Snapshot.Open(_folder.At("absent")));
        Should.Throw<InputException>(() => Snapshot.Open(_folder.Write("other", Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(whole).Replace("pimm.snapshot.1", "pimm.snapshot.9", StringComparison.Ordinal)))))
            .Message.ShouldBe($"'{_folder.At("other")}' is no snapshot of the format pimm.snapshot.1; build it again.");
    }

    [Fact]
    public void A_snapshot_is_named_by_the_hash_of_its_bytes()
    {
        using var snapshot = DatasetBuilder.FromFile(Options(TrainingFile.Rows())).Snapshot;

        snapshot.Sha256.ShouldBe(Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(snapshot.Path))).ToLowerInvariant());
        snapshot.Sha256.ShouldBeSameAs(snapshot.Sha256);
    }

    [Fact]
    public void True_probabilities_stand_beside_the_rows_and_are_no_features()
    {
        var rows = TrainingFile.Rows(500).Select((row, place) => string.Create(CultureInfo.InvariantCulture, $"{row},{place / 1000.0},0.125"));
        var path = _folder.Write("data.csv", TrainingFile.Text(rows, TrainingFile.Header + ",p_click,p_buy"));

        using var snapshot = DatasetBuilder.FromFile(TrainingFile.Options(path) with { Truth = ["p_click", "p_buy"], WriteSplits = _folder.At("splits") }).Snapshot;

        snapshot.HasTruth.ShouldBeTrue();
        snapshot.FieldNames.ShouldBe(["age", "country"]);
        snapshot.Truth(123, 2).ToArray().ShouldBe([0.123, 0.125, 0.124, 0.125]);
        File.ReadLines(_folder.At("splits/test.csv")).First().ShouldBe("age,country,click,buy,p_click,p_buy");

        using var without = DatasetBuilder.FromFile(Options(TrainingFile.Rows())).Snapshot;
        without.HasTruth.ShouldBeFalse();
        Should.Throw<InvalidOperationException>(() => without.Truth(0, 1).ToArray());
    }

    private long Allocated(int rows)
    {
        // A number has few values here, so that what the fit remembers does not grow with the rows.
        var options = Options(TrainingFile.Rows(rows));
        var before = GC.GetAllocatedBytesForCurrentThread();
        DatasetBuilder.FromFile(options).Snapshot.Dispose();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private DatasetOptions Options(IReadOnlyList<string> rows) => TrainingFile.Options(_folder.Write("data.csv", TrainingFile.Text(rows)));

    private sealed class Steps(Action<DatasetProgress> report) : IProgress<DatasetProgress>
    {
        public void Report(DatasetProgress value) => report(value);
    }
}
