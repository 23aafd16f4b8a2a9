using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Tests.Torch;

public sealed class RefusalTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void Wrong_shapes_name_the_operator_and_every_shape()
    {
        Refused(() => zeros(2, 3).matmul(zeros(4, 5))).ShouldBe("matmul(float[2,3], float[4,5]): mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)");
        Refused(() => zeros(2, 3) + zeros(4)).ShouldBe("add(float[2,3], float[4]): The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1");
        Refused(() => cat([zeros(2, 3), zeros(4, 5)])).ShouldStartWith("cat([float[2,3], float[4,5]], 0): Sizes of tensors must match except in dimension 0.");
        Refused(() => zeros(2, 3).view(4, 2)).ShouldStartWith("view(float[2,3], [4,2]): shape '[4, 2]' is invalid for input of size 6");
        Refused(() => Linear(3, 2).call(zeros(4, 5))).ShouldStartWith("linear(float[4,5], float[2,3], float[2]): ");
        Refused(() => functional.binary_cross_entropy_with_logits(zeros(2), zeros(3))).ShouldStartWith("binary_cross_entropy_with_logits(float[2], float[3], none, none, 1): ");
    }

    [Fact]
    public void An_id_outside_the_table_is_refused_not_read()
    {
        using var table = Embedding(4, 2);

        Refused(() => table.call(tensor(new long[] { 4 }))).ShouldBe("embedding(float[4,2], long[1], -1): index out of range in self");
        Refused(() => table.call(tensor(new[] { -1 }))).ShouldBe("embedding(float[4,2], int[1], -1): index out of range in self");
    }

    [Fact]
    public void Wrong_types_are_named()
    {
        Refused(() => zeros(2, 2).matmul(zeros([2, 2], float64))).ShouldStartWith("matmul(float[2,2], double[2,2]): ");
        Refused(() => zeros([2], int64).requires_grad_()).ShouldStartWith("requires_grad(long[2]): ");
        Refused(() => zeros(1).to(CUDA)).ShouldStartWith("to(float[1], cuda:0, ");
    }

    [Fact]
    public void Memory_that_cannot_be_had_is_an_error_that_can_be_caught()
    {
        Refused(() => empty([1L << 50])).ShouldContain("DefaultCPUAllocator: can't allocate memory");
    }

    [Fact]
    public void A_disposed_tensor_is_refused_before_native_code_sees_it()
    {
        var x = zeros(2);
        x.Dispose();
        x.Dispose();

        Should.Throw<ObjectDisposedException>(() => x + 1);
        Should.Throw<ObjectDisposedException>(() => cat([zeros(2), x]));
        Should.Throw<ObjectDisposedException>(() => x.shape);
        x.IsInvalid.ShouldBeTrue();
    }

    [Fact]
    public void A_device_that_does_not_exist_is_refused_in_words()
    {
        Should.Throw<ArgumentException>(() => device("tpu")).Message.ShouldStartWith("\"tpu\" is not a device: give cpu, cuda or cuda:0.");
        Should.Throw<ArgumentException>(() => device("cuda:x"));
        Should.Throw<ArgumentException>(() => device("cuda:1:2"));
        device("cuda:1").ToString().ShouldBe("cuda:1");
        zeros(1).device.ShouldBe(CPU);
    }

    private static string Refused(Func<Tensor> operation) => Should.Throw<TorchException>(() => { operation(); }).Message;
}
