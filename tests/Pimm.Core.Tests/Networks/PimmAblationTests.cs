using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class PimmAblationTests
{
    private static readonly PimmOptions Small = new() { Embedding = 2, Towers = [6, 4], Dropout = [0, 0], TransferDropout = 0 };

    // d = 4 and two transfers: W has 4 numbers, A and a 20.
    [Theory]
    [InlineData(true, true, 0)]
    [InlineData(false, true, 2 * 4)]
    [InlineData(true, false, 2 * 20)]
    [InlineData(false, false, 2 * 24)]
    public void What_is_switched_off_has_no_parameters(bool premise, bool handed, int fewer)
    {
        using var whole = new PimmNetwork(new([3, 4], 3), Small);
        using var network = new PimmNetwork(new([3, 4], 3), Small with { Premise = premise, Implicit = handed });

        (whole.ParameterCount - network.ParameterCount).ShouldBe(fewer);
        (network.Curriculum is not null).ShouldBe(premise);
    }

    [Fact]
    public void Without_the_premise_the_prediction_of_the_stage_before_changes_nothing()
    {
        using var scope = NewDisposeScope();
        using var network = Made(Small with { Premise = false });
        var before = Logits(network);

        ShiftFirstHead(network);

        Logits(network)[1..].ShouldBe(before[1..]);
        Logits(network)[0].ShouldBe(before[0] + 3, 1e-5f);
    }

    [Fact]
    public void Without_the_implicit_information_a_later_loss_does_not_reach_the_earlier_tower()
    {
        using var scope = NewDisposeScope();
        using var network = Made(Small with { Implicit = false });

        network.call(Ids(), null).narrow(1, 2, 1).sum().backward();

        var towers = network.named_parameters().Single(pair => pair.name == "towers.weight1").parameter.grad!;
        towers.narrow(0, 0, 2).abs().sum().item<float>().ShouldBe(0);
        towers.narrow(0, 2, 1).abs().sum().item<float>().ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Without_both_the_stages_share_the_embeddings_alone()
    {
        using var scope = NewDisposeScope();
        using var network = Made(Small with { Premise = false, Implicit = false });
        var before = Logits(network);
        using (no_grad())
        {
            network.named_parameters().Single(pair => pair.name == "towers.weight1").parameter.narrow(0, 0, 1).add_(1);
        }

        Logits(network)[1..].ShouldBe(before[1..]);
        Logits(network)[0].ShouldNotBe(before[0]);
    }

    private static PimmNetwork Made(PimmOptions options)
    {
        manual_seed(11);
        var network = new PimmNetwork(new([3, 4], 3), options);
        network.eval();
        return network;
    }

    private static Tensor Ids() => tensor(new long[] { 2, 3 }, [1, 2]);

    private static float[] Logits(PimmNetwork network) => network.call(Ids(), null).data<float>().ToArray();

    private static void ShiftFirstHead(PimmNetwork network)
    {
        using var quiet = no_grad();
        network.named_parameters().Single(pair => pair.name == "chain.heads.bias").parameter.narrow(0, 0, 1).add_(3);
    }
}
