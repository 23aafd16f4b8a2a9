using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class EntireSpaceNetworkTests
{
    [Fact]
    public void A_chain_gives_the_products_of_the_conditional_probabilities()
    {
        using var scope = NewDisposeScope();
        var conditionals = GoldenVectors.Tensor("dependence_loss", "conditionals");

        var probabilities = sigmoid(StageChain.Logits((conditionals / (1 - conditionals)).log()));

        probabilities.data<double>().ToArray().ShouldBe(GoldenVectors.Numbers("dependence_loss", "marginals"), 1e-12);
    }

    [Theory]
    [InlineData(80f)]
    [InlineData(-80f)]
    [InlineData(1000f)]
    [InlineData(-1000f)]
    public void Extreme_logits_give_finite_logits_and_gradients(float extreme)
    {
        using var scope = NewDisposeScope();
        var conditional = tensor(new[] { extreme, extreme, -extreme, 0, extreme, 0, -extreme, 0 }, [2, 4]);
        conditional.requires_grad = true;

        var logits = StageChain.Logits(conditional);
        var byTwoPaths = StageChain.LogitsByTwoPaths(conditional);
        (logits.sum() + byTwoPaths.sum()).backward();

        logits.isfinite().all().item<bool>().ShouldBeTrue();
        byTwoPaths.isfinite().all().item<bool>().ShouldBeTrue();
        conditional.grad!.isfinite().all().item<bool>().ShouldBeTrue();
    }

    [Fact]
    public void ESM2s_two_paths_equal_the_golden_vectors_and_not_the_wrong_implementation()
    {
        using var scope = NewDisposeScope();
        var given = tensor(new[] { "y1", "y2", "y3", "y4" }.Select(key => GoldenVectors.Number("esm2", key)).ToArray(), [1, 4]);

        var probabilities = sigmoid(StageChain.LogitsByTwoPaths((given / (1 - given)).log())).data<double>().ToArray();

        double[] expected = [GoldenVectors.Number("esm2", "p_ctr"), GoldenVectors.Number("esm2", "p_ctavr"), GoldenVectors.Number("esm2", "p_ctcvr")];
        probabilities.ShouldBe(expected, 1e-12);
        Math.Abs(probabilities[2] - GoldenVectors.Number("esm2", "wrong_torecsys_ctcvr")).ShouldBeGreaterThan(4e-5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void ESM2_without_the_other_path_is_ESMM_number_for_number(int tasks)
    {
        using var scope = NewDisposeScope();
        var ids = tensor(new long[] { 0, 1, 2, 3 }, [2, 2]);
        manual_seed(3);
        using var esmm = new EsmmNetwork(new([3, 4], tasks), new());
        manual_seed(3);
        using var esm2 = new Esm2Network(new([3, 4], tasks), new());
        esmm.eval();
        esm2.eval();

        esm2.ParameterCount.ShouldBe(esmm.ParameterCount);
        esm2.StageLogits(esm2.call(ids, null)).data<float>().ToArray().ShouldBe(esmm.StageLogits(esmm.call(ids, null)).data<float>().ToArray());
    }

    [Fact]
    public void The_other_path_is_one_tower_more()
    {
        using var plain = new Esm2Network(new([3, 4], 3), new());
        using var other = new Esm2Network(new([3, 4], 3), new() { OtherPath = true });

        (other.ParameterCount - plain.ParameterCount).ShouldBe(16 * 128 + 128 + 128 * 64 + 64 + 64 * 32 + 32 + 33);
        other.Conditional.ShouldBeFalse();
    }

    // Embeddings 7·8, a tower and a head a task: AITM's without its transfers.
    [Fact]
    public void ESMM_has_as_many_parameters_as_its_equations_say()
    {
        using var network = new EsmmNetwork(new([3, 4], 3), new());

        network.ParameterCount.ShouldBe(7 * 8 + 3 * (16 * 128 + 128 + 128 * 64 + 64 + 64 * 32 + 32) + 3 * 33);
    }

    // The product couples the stages: a later loss reaches every earlier tower, an earlier one no later tower.
    [Fact]
    public void A_later_loss_reaches_the_earlier_towers_and_not_the_other_way_round()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var network = new EsmmNetwork(new([3, 4], 3), new() { Embedding = 2, Towers = [4], Dropout = [0] });

        network.StageLogits(network.call(tensor(new long[] { 0, 1, 2, 3 }, [2, 2]), null)).narrow(1, 1, 1).sum().backward();

        var gradient = network.named_parameters().Single(pair => pair.name == "heads.bias").parameter.grad!.data<float>().ToArray();
        gradient[0].ShouldBeGreaterThan(0);
        gradient[1].ShouldBeGreaterThan(0);
        gradient[2].ShouldBe(0);
    }
}
