using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class AttentiveTransferTests
{
    [Fact]
    public void Equals_the_golden_vectors()
    {
        using var scope = NewDisposeScope();
        using var transfer = Golden();
        var (own, handed) = Inputs();

        var (attention, _) = transfer.Attend(own, handed);

        attention.data<double>().ToArray().ShouldBe(GoldenVectors.Numbers("ait", "weights"), 1e-9);
        transfer.call(own, handed).data<double>().ToArray().ShouldBe(GoldenVectors.Numbers("ait", "z"), 1e-9);
    }

    [Fact]
    public void Its_gradients_equal_the_golden_vectors()
    {
        using var scope = NewDisposeScope();
        using var transfer = Golden();
        var (own, handed) = Inputs();
        own.requires_grad = true;
        handed.requires_grad = true;

        (transfer.call(own, handed) * GoldenVectors.Tensor("ait_backward", "upstream")).sum().backward();

        var gradient = transfer.Weight.grad!;
        Part(gradient, 0).ShouldBe(GoldenVectors.Numbers("ait_backward", "dQ"), 1e-9);
        Part(gradient, 1).ShouldBe(GoldenVectors.Numbers("ait_backward", "dK"), 1e-9);
        Part(gradient, 2).ShouldBe(GoldenVectors.Numbers("ait_backward", "dV"), 1e-9);
        own.grad!.data<double>().ToArray().ShouldBe(GoldenVectors.Numbers("ait_backward", "dq"), 1e-9);
        handed.grad!.data<double>().ToArray().ShouldBe(GoldenVectors.Numbers("ait_backward", "dp"), 1e-9);
    }

    [Fact]
    public void Its_attention_adds_up_to_one_for_every_row()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var transfer = new AttentiveTransfer(8);

        var (attention, _) = transfer.Attend(randn([50, 8]) * 40, randn([50, 8]) * 40);

        attention.sum(dim: 0).data<float>().ToArray().ShouldAllBe(sum => Math.Abs(sum - 1) < 1e-6);
    }

    private static AttentiveTransfer Golden()
    {
        var transfer = new AttentiveTransfer(3);
        transfer.to(ScalarType.Float64);
        using var quiet = no_grad();
        transfer.Weight.copy_(cat([GoldenVectors.Tensor("ait", "Q"), GoldenVectors.Tensor("ait", "K"), GoldenVectors.Tensor("ait", "V")], 1));
        return transfer;
    }

    private static (Tensor Own, Tensor Handed) Inputs() =>
        (GoldenVectors.Tensor("ait", "q").view(1, 3), GoldenVectors.Tensor("ait", "p").view(1, 3));

    private static double[] Part(Tensor gradient, int part) => gradient.narrow(1, 3 * part, 3).contiguous().data<double>().ToArray();
}
