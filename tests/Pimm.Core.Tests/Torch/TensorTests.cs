using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Tests.Torch;

public sealed class TensorTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void Numbers_go_in_and_come_out_in_every_type()
    {
        tensor(new float[] { 1, 2 }).data<float>().ToArray().ShouldBe([1, 2]);
        tensor(new double[] { 1, 2 }).data<double>().ToArray().ShouldBe([1, 2]);
        tensor(new long[] { 1, 2 }).data<long>().ToArray().ShouldBe([1, 2]);
        tensor(new int[] { 1, 2 }).data<int>().ToArray().ShouldBe([1, 2]);
        tensor(new byte[] { 1, 2 }).data<byte>().ToArray().ShouldBe([1, 2]);
        tensor(new[] { true, false }).data<bool>().ToArray().ShouldBe([true, false]);
        tensor(new float[,] { { 1, 2, 3 }, { 4, 5, 6 } }).t().data<float>().ToArray().ShouldBe([1, 4, 2, 5, 3, 6]);
        tensor(3.5f).item<float>().ShouldBe(3.5f);
        tensor(new[] { 1, 2 }, dtype: float32).dtype.ShouldBe(float32);
        zeros(0, 3).data<float>().ToArray().ShouldBeEmpty();
    }

    [Fact]
    public void Raw_bytes_can_be_read_and_written_without_a_copy()
    {
        var weights = zeros(2, 2);

        weights.bytes = new byte[] { 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0 };
        weights.data<float>()[3] = 5;

        weights.data<float>().ToArray().ShouldBe([1, 2, 0, 5]);
        weights.bytes[7].ShouldBe((byte)64);
        Should.Throw<TorchException>(() => { weights.t().bytes.Clear(); }).Message.ShouldContain("not contiguous");
        Should.Throw<ArgumentException>(() => weights.bytes = new byte[3]).Message.ShouldBe("float[2,2] has 16 bytes, 3 were given.");
    }

    [Fact]
    public void A_buffer_shares_its_array()
    {
        var numbers = new long[] { 1, 2, 3, 4 };
        var shared = frombuffer(numbers, int64, count: 2, offset: 1);

        numbers[1] = 20;
        shared.add_(1);

        shared.data<long>().ToArray().ShouldBe([21, 4]);
        numbers.ShouldBe([1, 21, 4, 4]);
        Should.Throw<ArgumentException>(() => frombuffer(numbers, int64, count: 4, offset: 1));
    }

    [Fact]
    public void Numbers_that_do_not_fill_the_shape_are_refused()
    {
        Should.Throw<ArgumentException>(() => tensor(new float[5], [2, 3])).Message.ShouldBe("tensor: 5 numbers do not fill the shape [2,3] of 6.");
    }

    [Fact]
    public void A_tensor_is_not_read_as_another_type()
    {
        Should.Throw<ArgumentException>(() => ones(2).data<double>()).Message.ShouldBe("float[2] holds float, Double was asked for.");
        Should.Throw<ArgumentException>(() => ones(2).item<float>()).Message.ShouldBe("float[2] has 2 elements; item needs one.");
    }

    [Fact]
    public void Factories_make_what_they_say()
    {
        arange(3).data<long>().ToArray().ShouldBe([0, 1, 2]);
        arange(1, 2, 0.5).data<float>().ToArray().ShouldBe([1, 1.5f]);
        full([2], 7, int64).data<long>().ToArray().ShouldBe([7, 7]);
        ones_like(zeros(2, 1)).shape.ShouldBe([2, 1]);
        linspace(0, 1, 3).data<float>().ToArray().ShouldBe([0, 0.5f, 1]);
        zeros([2, 3, 4], float64).ToString().ShouldBe("double[2,3,4]");
        zeros([], int32).ToString().ShouldBe("int[] 0");
        empty(5, 2).size(-1).ShouldBe(2);
    }

    [Fact]
    public void Indexing_follows_places_slices_and_positions()
    {
        var table = arange(12).reshape(3, 4);

        table[1, 2].item<long>().ShouldBe(6);
        table[-1].data<long>().ToArray().ShouldBe([8, 9, 10, 11]);
        table[.., 1..^1].shape.ShouldBe([3, 2]);
        table[TensorIndex.Ellipsis, 0].data<long>().ToArray().ShouldBe([0, 4, 8]);
        table[TensorIndex.Colon, TensorIndex.Null, (1, 2)].shape.ShouldBe([3, 1, 1]);
        table[tensor(new long[] { 2, 0 })].shape.ShouldBe([2, 4]);
        table[tensor(new long[] { 2, 0 }), tensor(new long[] { 1, 1 })].data<long>().ToArray().ShouldBe([9, 1]);
        table[.., tensor(new long[] { 3 })].data<long>().ToArray().ShouldBe([3, 7, 11]);
    }

    [Fact]
    public void Writing_by_index_changes_the_tensor_itself()
    {
        var table = zeros(3, 2);

        table[1] = ones(2);
        table[tensor(new long[] { 0, 2 }), 1] = tensor(new float[] { 5, 6 });
        table.index_put_(tensor(new float[] { 1, 1 }), [tensor(new long[] { 0, 0 }), tensor(new long[] { 0, 0 })], accumulate: true);

        table.data<float>().ToArray().ShouldBe([2, 5, 1, 1, 0, 6]);
    }

    [Fact]
    public void Rows_are_added_copied_scattered_and_counted()
    {
        var rows = tensor(new long[] { 2, 0, 2 });
        zeros(3, 1).index_add_(0, rows, ones(3, 1), 2).data<float>().ToArray().ShouldBe([2, 0, 4]);
        zeros(3, 1).index_copy_(0, tensor(new long[] { 1 }), ones(1, 1)).data<float>().ToArray().ShouldBe([0, 1, 0]);
        zeros(3).scatter_add_(0, rows, ones(3)).data<float>().ToArray().ShouldBe([1, 0, 2]);
        zeros(3).index_fill_(0, tensor(new long[] { 1 }), 4).data<float>().ToArray().ShouldBe([0, 4, 0]);

        var (values, inverse, counts) = rows.unique(return_inverse: true, return_counts: true);
        values.data<long>().ToArray().ShouldBe([0, 2]);
        inverse!.data<long>().ToArray().ShouldBe([1, 0, 1]);
        counts!.data<long>().ToArray().ShouldBe([1, 2]);
        rows.unique().counts.ShouldBeNull();
        functional.one_hot(rows, 3).sum(0).data<long>().ToArray().ShouldBe([1, 0, 2]);
    }

    [Fact]
    public void Comparisons_and_tests_are_elementwise()
    {
        var x = tensor(new float[] { -1, 0, float.NaN });

        (x < 0).data<bool>().ToArray().ShouldBe([true, false, false]);
        ((x >= 0) | x.isnan()).data<bool>().ToArray().ShouldBe([false, true, true]);
        (~x.isfinite()).data<bool>().ToArray().ShouldBe([false, false, true]);
        x.eq(0).any().item<bool>().ShouldBeTrue();
        x.equal(x).item<bool>().ShouldBeFalse();
        where(x > 0, 1, 2).data<long>().ToArray().ShouldBe([2, 2, 2]);
        x.masked_fill(x.isnan(), 5).data<float>().ToArray().ShouldBe([-1, 0, 5]);
    }

    [Fact]
    public void Losses_from_logits_stay_finite_and_follow_their_formula()
    {
        var logits = tensor(new float[] { 0, 500, -500 });
        var labels = tensor(new float[] { 1, 1, 1 });

        var losses = functional.binary_cross_entropy_with_logits(logits, labels, reduction: Reduction.None).data<float>().ToArray();

        losses[0].ShouldBe(MathF.Log(2), 1e-6f);
        losses[1].ShouldBe(0);
        losses[2].ShouldBe(500);
        functional.logsigmoid(tensor(-500.0)).item<double>().ShouldBe(-500);
        functional.softplus(tensor(30.0)).item<double>().ShouldBe(30);
    }
}
