using System.Globalization;
using Pimm.Core.Datasets;
using Pimm.Core.Tests.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Datasets;

public sealed class RowSplitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_part_has_its_share_of_every_stage_within_a_row()
    {
        using var snapshot = Build(TrainingFile.Rows(20_000), options => options);

        snapshot.RowsOf(Split.Test).Length.ShouldBe(4000);
        snapshot.RowsOf(Split.Validation).Length.ShouldBe(800);
        snapshot.RowsOf(Split.Calibration).Length.ShouldBe(800);
        snapshot.RowsOf(Split.Train).Length.ShouldBe(14_400);
        var all = Stages(snapshot, Enumerable.Range(0, 20_000));
        foreach (var (split, share) in new[] { (Split.Train, 0.72), (Split.Validation, 0.04), (Split.Calibration, 0.04), (Split.Test, 0.2) })
        {
            var stages = Stages(snapshot, snapshot.RowsOf(split));
            for (var stage = 0; stage < all.Length; stage++)
            {
                // Each of up to three draws rounds by less than a row.
                ((double)stages[stage]).ShouldBe(share * all[stage], 1.6, $"{split}, stage {stage}");
            }
        }
    }

    [Fact]
    public void Few_rows_of_the_last_stage_spread_over_the_parts()
    {
        string[] rows = [.. TrainingFile.Rows(3000).Select((row, place) => row[..^3] + (place % 500 == 0 ? "1,1" : place % 3 == 0 ? "1,0" : "0,0"))];

        for (ulong seed = 1; seed <= 20; seed++)
        {
            using var snapshot = Build(rows, options => options with { Seed = seed });

            Stages(snapshot, snapshot.RowsOf(Split.Train))[2].ShouldBe(4);
            Stages(snapshot, snapshot.RowsOf(Split.Validation))[2].ShouldBe(1);
            Stages(snapshot, snapshot.RowsOf(Split.Test))[2].ShouldBe(1);
        }
    }

    [Fact]
    public void All_rows_of_a_customer_are_in_one_part_and_the_parts_have_their_shares_of_customers()
    {
        // Three rows a customer, spread over the file.
        string[] rows = [.. TrainingFile.Rows(6000).Select((row, place) => $"c{place % 2000}" + row[row.IndexOf(',', StringComparison.Ordinal)..])];

        using var snapshot = Build(rows, options => options with { Ignore = [], Customer = "id" });

        snapshot.FieldNames.ShouldNotContain("id");
        var parts = Enumerable.Range(0, 6000).GroupBy(row => snapshot.Customers(row, 1)[0], row => snapshot.SplitOf(row)).ToArray();
        parts.Length.ShouldBe(2000);
        parts.ShouldAllBe(customer => customer.Distinct().Count() == 1 && customer.Count() == 3);
        parts.Count(customer => customer.First() == Split.Test).ShouldBe(400);
        snapshot.RowsOf(Split.Calibration).Length.ShouldBe(3 * 80);
    }

    [Fact]
    public void A_row_without_its_customer_is_named()
    {
        string[] rows = [.. TrainingFile.Rows(100)];
        rows[41] = rows[41][rows[41].IndexOf(',', StringComparison.Ordinal)..];

        Should.Throw<InputException>(() => Build(rows, options => options with { Ignore = [], Customer = "id" }))
            .Message.ShouldEndWith("line 43, column 'id': the customer is missing; every row needs one.");
    }

    [Fact]
    public void Appended_rows_move_few_of_the_others()
    {
        var rows = TrainingFile.Rows(20_000);
        using var whole = Build(rows, options => options);
        using var half = Build([.. rows.Take(10_000)], options => options);

        var moved = Enumerable.Range(0, 10_000).Count(row => (half.SplitOf(row) == Split.Test) != (whole.SplitOf(row) == Split.Test));

        // The place of a stage's cut among its draws moves by the chance of the rows appended: some ten rows a stage. Unrelated splits differ in 3,200.
        moved.ShouldBeInRange(1, 200);
    }

    [Fact]
    public void Another_seed_is_another_split_and_the_same_seed_the_same()
    {
        var rows = TrainingFile.Rows(5000);
        using var first = Build(rows, options => options);
        using var again = Build(rows, options => options);
        using var other = Build(rows, options => options with { Seed = 2 });

        foreach (var split in Enum.GetValues<Split>())
        {
            again.RowsOf(split).ShouldBe(first.RowsOf(split));
            other.RowsOf(split).Length.ShouldBe(first.RowsOf(split).Length);
        }

        // Two random fifths share a twenty-fifth: 200 rows, standard error 11.
        other.RowsOf(Split.Test).Intersect(first.RowsOf(Split.Test)).Count().ShouldBeInRange(150, 250);
        other.RowsOf(Split.Calibration).ShouldNotBe(first.RowsOf(Split.Calibration));
    }

    [Theory]
    [InlineData("day,")]
    [InlineData("number,")]
    public void A_time_column_puts_the_oldest_rows_into_training(string kind)
    {
        var day = new DateOnly(2026, 1, 1);
        var rows = TrainingFile.Rows(1000).Select((row, place) =>
        {
            var age = place * 37 % 100;
            return row + (kind == "day," ? "," + day.AddDays(age).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : "," + (1000 + age));
        });

        using var snapshot = Build([.. rows], options => options with { Time = "when" }, ",when");

        snapshot.FieldNames.ShouldNotContain("when");
        snapshot.RowsOf(Split.Test).Length.ShouldBe(200);
        snapshot.RowsOf(Split.Validation).Length.ShouldBe(40);
        snapshot.RowsOf(Split.Calibration).Length.ShouldBe(40);
        var times = snapshot.Times(0, 1000).ToArray();
        var cut = snapshot.RowsOf(Split.Test).Min(row => times[row]);
        Enumerable.Range(0, 1000).Where(row => snapshot.SplitOf(row) != Split.Test).Max(row => times[row]).ShouldBeLessThan(cut);
        times.Max().ShouldBe(kind == "day," ? new DateTimeOffset(2026, 4, 10, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1000 : 1099);
    }

    [Fact]
    public void A_part_column_decides_which_rows_test()
    {
        var rows = TrainingFile.Rows(1000).Select((row, place) => row + (place % 10 < 3 ? ",test" : ",train"));

        using var snapshot = Build([.. rows], options => options with { Part = "part" }, ",part");

        snapshot.FieldNames.ShouldNotContain("part");
        snapshot.RowsOf(Split.Test).ShouldBe(Enumerable.Range(0, 1000).Where(row => row % 10 < 3));
        snapshot.RowsOf(Split.Validation).Length.ShouldBe(35);
        snapshot.RowsOf(Split.Calibration).Length.ShouldBe(35);
    }

    [Fact]
    public void Too_few_rows_to_divide_validate_and_calibrate_nothing()
    {
        using var snapshot = Build(TrainingFile.Rows(16), options => options with { Encoding = options.Encoding with { MinimumCount = 1 } });

        snapshot.RowsOf(Split.Validation).Length.ShouldBe(1);
        snapshot.RowsOf(Split.Calibration).ShouldBeEmpty();
    }

    private Snapshot Build(IReadOnlyList<string> rows, Func<DatasetOptions, DatasetOptions> change, string column = "") =>
        DatasetBuilder.FromFile(change(TrainingFile.Options(_folder.Write("data.csv", TrainingFile.Text(rows, TrainingFile.Header + column))))).Snapshot;

    /// <summary>How many rows reached none, one, two … of the tasks.</summary>
    private static int[] Stages(Snapshot snapshot, IEnumerable<int> rows)
    {
        var counts = new int[snapshot.TaskNames.Count + 1];
        foreach (var row in rows)
        {
            counts[snapshot.Labels(row, 1).Count((byte)1)]++;
        }

        return counts;
    }
}
