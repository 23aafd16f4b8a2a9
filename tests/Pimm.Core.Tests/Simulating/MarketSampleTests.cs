using System.Globalization;
using Pimm.Core.Datasets;
using Pimm.Core.Importing;
using Pimm.Core.Simulating;
using Pimm.Core.Statistics;
using Pimm.Core.Tests.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Simulating;

public sealed class MarketSampleTests : IDisposable
{
    private static readonly MarketSampleOptions Sample = new() { Rows = 100_000, Fresh = 200_000, Seed = 4 };
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Labels_have_their_true_means_and_fresh_customers_the_documented_ceilings()
    {
        string path = _folder.At("market.csv.gz");
        IReadOnlyList<SampledTask> tasks = MarketSampleFile.Write(Sample, path);
        double[] ceilings = [0.739, 0.758, 0.797];
        double[][] fresh = [.. MarketFiles.Funnel.Select(_ => new double[Sample.Fresh])];
        double[] truth = new double[3], variance = new double[3];
        long[] positives = new long[3];
        using DelimitedReader file = DelimitedReader.Open(path);
        int part = file.Names.PlaceOf("part");
        int[] truths = Array.ConvertAll(MarketSampleFile.TruthColumns, file.Names.PlaceOf), labels = Array.ConvertAll(MarketFiles.Funnel, file.Names.PlaceOf);
        while (file.Read())
        {
            bool tests = file[part].SequenceEqual("test"u8);
            if (tests != file.Rows > Sample.Rows)
                Assert.Fail($"Row {file.Rows} is in the wrong part.");
            for (int stage = 0; stage < 3; stage++)
            {
                double p = double.Parse(file[truths[stage]], CultureInfo.InvariantCulture);
                truth[stage] += p;
                variance[stage] += p * (1 - p);
                positives[stage] += file[labels[stage]].SequenceEqual("1"u8) ? 1 : 0;
                if (tests)
                    fresh[stage][file.Rows - Sample.Rows - 1] = p;
            }
        }
        for (int stage = 0; stage < 3; stage++)
        {
            ((double)positives[stage]).ShouldBe(truth[stage], 3 * Math.Sqrt(variance[stage]), MarketFiles.Funnel[stage]);
            RankingMetrics.ExpectedAuc(fresh[stage], Array.ConvertAll(fresh[stage], p => (float)p))!.Value.ShouldBe(ceilings[stage], 0.01, MarketFiles.Funnel[stage]);
            tasks[stage].ShouldBe(new SampledTask(MarketFiles.Funnel[stage], positives[stage], positives[stage] / 300_000.0, truth[stage] / 300_000));
        }
        file.Rows.ShouldBe(300_000);
    }

    [Fact]
    public void A_smaller_sample_is_the_beginning_of_a_larger_one_and_has_the_same_fresh_customers()
    {
        SampledImpression[] Draw(long rows, ulong seed = 4) => [.. MarketSample.Draw(new MarketSampleOptions { Rows = rows, Fresh = 9_000, Seed = seed }).SelectMany(block => block.ToArray())];
        SampledImpression[] small = Draw(9_000), large = Draw(20_000);
        small.Length.ShouldBe(18_000);
        small[..9_000].ShouldBe(large[..9_000]);
        small[9_000..].ShouldBe(large[20_000..]);
        small.Select(row => row.Customer).Distinct().Count().ShouldBe(18_000);
        Draw(9_000, seed: 5)[..3].ShouldNotBe(small[..3]);
    }

    [Fact]
    public void A_sample_is_a_file_to_train_on()
    {
        MarketSampleFile.Write(new MarketSampleOptions { Rows = 20_000, Fresh = 5_000 }, _folder.At("market.csv"));

        (_, Snapshot snapshot, DatasetSummary summary) = DatasetBuilder.FromFile(new DatasetOptions
        {
            Data = _folder.At("market.csv"), Tasks = MarketFiles.Funnel, Truth = MarketSampleFile.TruthColumns, Part = "part", Ignore = ["amount"],
        });

        using (snapshot)
        {
            snapshot.FieldNames.ShouldBe(MarketFiles.Columns.Select(column => column.Name));
            (summary.TrainRows, summary.ValidationRows, summary.CalibrationRows, summary.TestRows).ShouldBe((18_000, 1_000, 1_000, 5_000));
            snapshot.Truth(0, 1).ToArray().ShouldBe([.. Enumerable.Range(0, 3).Select(MarketSample.Draw(new MarketSampleOptions { Rows = 1_000 }).First().Span[0].TrueProbability)]);
        }
    }

    [Theory]
    [InlineData(999, 0, "base", "999 rows were asked for; choose 1,000 to 100,000,000.")]
    [InlineData(100_000_001, 0, "base", "100,000,001 rows were asked for; choose 1,000 to 100,000,000.")]
    [InlineData(1_000, -1, "base", "-1 fresh rows were asked for; choose 0 to 100,000,000.")]
    [InlineData(1_000, 0, "moon", "There is no world \"moon\"; choose null, base, harvest, knownLift.")]
    public void Impossible_samples_are_refused(long rows, long fresh, string world, string sentence)
    {
        Should.Throw<InputException>(() => MarketSampleFile.Write(new MarketSampleOptions { Rows = rows, Fresh = fresh, World = world }, _folder.At("market.csv"))).Message.ShouldBe(sentence);
        _folder.Files.ShouldBeEmpty();
    }

    [Fact]
    public void A_stopped_simulation_leaves_nothing()
    {
        using var stop = new CancellationTokenSource();
        Should.Throw<OperationCanceledException>(() =>
            MarketSampleFile.Write(new MarketSampleOptions { Rows = 100_000 }, _folder.At("market.csv.gz"), _ => stop.Cancel(), stop.Token));
        _folder.Files.ShouldBeEmpty();
    }
}
