using Pimm.Core.Networks;
using Pimm.Core.Tests.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public class NetworkLossTests
{
    private const int Rows = 32;
    private static readonly HtlnetOptions Options = new() { Embedding = 2, LabelEmbedding = 3, Fusion = 4, Towers = [6, 4], Dropout = [0, 0] };

    // Each task's gradient alone, merged by hand, is what the step leaves in the shared table; all else is as if losses were added.
    [Fact]
    public void The_shared_parameters_get_the_merged_gradient_and_the_others_their_own()
    {
        using var scope = NewDisposeScope();
        using var adjusted = Made(Options);
        using var plain = Made(Options with { Adjust = false });
        var (labels, amounts) = (TinyNetworks.Labels(Rows, 2), randn([Rows]));

        using (var loss = new NetworkLoss(adjusted, CPU))
        {
            loss.Backward(adjusted.call(TinyNetworks.Ids(Rows), null), labels, amounts);
        }

        using var sum = new NetworkLoss(plain, CPU);
        var parts = sum.ByTask(plain.call(TinyNetworks.Ids(Rows), null), labels, amounts);
        var shared = parts.Select(part => autograd.grad([part], [plain.Shared[0]], retain_graph: true)[0]!.view(-1)).ToArray();
        var expected = new GradientAdjustment(1, 10, 0.1, NormBefore: false).Merge(shared[2], shared[..2]);
        parts.Aggregate((one, other) => one + other).backward();

        Numbers(adjusted.Shared[0].grad!).ShouldBe(Numbers(expected), 1e-6);
        (adjusted.Shared[0].grad! - plain.Shared[0].grad!).abs().max().item<float>().ShouldBeGreaterThan(1e-4f);
        foreach (var ((name, one), (_, other)) in adjusted.named_parameters().Zip(plain.named_parameters()).Where(pair => !ReferenceEquals(pair.First.parameter, adjusted.Shared[0])))
        {
            Numbers(one.grad!).ShouldBe(Numbers(other.grad!), 1e-6, name);
        }
    }

    [Fact]
    public void The_parts_of_the_tasks_add_up_to_the_whole_and_the_amount_is_a_squared_error()
    {
        using var scope = NewDisposeScope();
        using var network = Made(Options with { TaskWeights = [2, 0.5] });
        network.eval();
        using var loss = new NetworkLoss(network, CPU);
        var (outputs, labels) = (network.call(TinyNetworks.Ids(Rows), null), TinyNetworks.Labels(Rows, 2));

        var parts = loss.ByTask(outputs, labels, zeros([Rows]));

        parts.Sum(part => part.item<float>()).ShouldBe(loss.Of(outputs, labels, zeros([Rows])).item<float>(), 1e-5f);
        parts[2].item<float>().ShouldBe(network.AmountOf(outputs).square().mean().item<float>(), 1e-6f);
    }

    [Fact]
    public void The_entire_space_weight_adds_the_cross_entropies_of_the_products()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var network = new TafeNetwork(new([3, 4], 2), new() { Lambda = 0.5 });
        network.eval();
        using var loss = new NetworkLoss(network, CPU);
        var (outputs, labels) = (network.call(TinyNetworks.Ids(Rows), null), TinyNetworks.Labels(Rows, 2));

        var expected = TaskLosses.Dependence(outputs, labels, null) + TaskLosses.Of(StageChain.Logits(outputs), labels, null, 0) * 0.5;

        loss.Of(outputs, labels, null).item<float>().ShouldBe(expected.item<float>(), 1e-6f);
    }

    private static HtlnetNetwork Made(HtlnetOptions options)
    {
        manual_seed(7);
        var network = new HtlnetNetwork(new([3, 4], 2, Amount: true), options);
        network.eval();
        return network;
    }

    private static float[] Numbers(Tensor values) => values.contiguous().view(-1).data<float>().ToArray();
}
