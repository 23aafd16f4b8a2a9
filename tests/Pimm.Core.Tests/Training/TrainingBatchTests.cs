using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public class TrainingBatchTests
{
    // 1,700 rows are gathered by several threads, 13 by one.
    [Theory]
    [InlineData(1, 1_700)]
    [InlineData(3, 1_700)]
    [InlineData(3, 13)]
    public void A_batch_is_filled_anew_with_what_the_snapshot_has_by_any_number_of_threads(int threads, int size)
    {
        using var toy = new ToyFunnel(amounts: true);
        var amount = AmountModel.Fit(toy.Data, toy.Data.RowsOf(Split.Train), AmountScale.Log1p);
        using var batch = new TrainingBatch(toy.Data, size, amount);
        var expected = new SnapshotBatches(toy.Data);
        var before = get_num_threads();
        try
        {
            set_num_threads(threads);
            foreach (var step in new[] { 7, 11 })
            {
                int[] rows = [.. Enumerable.Range(0, size).Select(at => at * step % (int)toy.Data.Rows)];

                batch.Fill(rows);

                expected.Gather(rows);
                batch.Ids.data<long>().ToArray().ShouldBe(expected.Ids);
                batch.Labels.data<float>().ToArray().ShouldBe(expected.Labels);
                batch.Amounts!.data<float>().ToArray().ShouldBe(expected.Amounts.Select(amount.ToTraining));
            }
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void A_row_that_the_snapshot_does_not_have_is_refused()
    {
        using var toy = new ToyFunnel(600);
        using var batch = new TrainingBatch(toy.Data, 2, null);

        Should.Throw<TorchException>(() => batch.Fill([0, 600])).Message.ShouldBe("gather(2 of 600 rows): a row is none of 600");
        Should.Throw<TorchException>(() => batch.Fill([-1, 0]));
        Should.Throw<TorchException>(() => batch.Fill([1, 2, 3]));
    }
}
