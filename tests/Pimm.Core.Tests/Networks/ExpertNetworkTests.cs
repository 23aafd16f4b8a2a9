using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class ExpertNetworkTests
{
    private static readonly NetworkShape Small = new([3, 4], 3);

    [Fact]
    public void A_gate_over_own_and_shared_experts_equals_the_golden_vectors()
    {
        using var scope = NewDisposeScope();
        using var gate = new ExpertGate(1, 3, shared: 2, own: 2);
        gate.to(ScalarType.Float64);
        gate.load_state_dict(new Dictionary<string, Tensor> { ["weight"] = GoldenVectors.Tensor("cgc", "gate_W") });
        var input = GoldenVectors.Tensor("cgc", "x").view(1, 3);

        var mixed = gate.call(input, GoldenVectors.Tensor("cgc", "shared_experts").unsqueeze(1), GoldenVectors.Tensor("cgc", "task_experts").unsqueeze(1));

        gate.Shares(input).data<double>().ToArray().ShouldBe(GoldenVectors.Numbers("cgc", "gate"), 1e-9);
        mixed.shape.ShouldBe([1, 1, 3]);
        mixed.contiguous().data<double>().ToArray().ShouldBe(GoldenVectors.Numbers("cgc", "out"), 1e-9);
    }

    // Three gates, each with two experts of its own and one shared: what one gate gives is what it would give alone.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gates_together_equal_each_alone(bool apart)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var gate = new ExpertGate(3, 4, shared: 1, own: 2, apart);
        var (input, shared, own) = (apart ? randn([3, 5, 4]) : randn([5, 4]), randn([1, 5, 6]), randn([6, 5, 6]));
        var weight = gate.state_dict()["weight"];

        var together = gate.call(input, shared, own);

        for (var task = 0; task < 3; task++)
        {
            var (mine, columns) = apart ? (input.select(0, task), weight.select(0, task)) : (input, weight.narrow(1, 3 * task, 3));
            var shares = matmul(mine, columns).softmax(1);                                          // [B, 3]
            var expected = shares.narrow(1, 0, 1) * own.select(0, 2 * task)
                + shares.narrow(1, 1, 1) * own.select(0, 2 * task + 1) + shares.narrow(1, 2, 1) * shared.select(0, 0);
            Numbers(together.select(0, task)).ShouldBe(Numbers(expected), 1e-5);
        }
    }

    [Fact]
    public void Towers_over_inputs_of_their_own_equal_towers_computed_one_by_one()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var bank = new TowerBank(3, 2, 4, [5, 2], [0, 0]);
        var state = bank.state_dict();
        using (no_grad())
        {
            state["bias0"].normal_();
            state["bias1"].normal_();
        }

        var input = randn([3, 6, 4]);

        var together = bank.call(input);

        together.shape.ShouldBe([6, 6, 2]);
        for (var tower = 0; tower < 6; tower++)
        {
            var (group, at) = (tower / 2, 5 * (tower % 2));
            var first = (matmul(input.select(0, group), state["weight0"].select(0, group).narrow(1, at, 5)) + state["bias0"].select(0, group).narrow(1, at, 5)).relu();
            var second = (matmul(first, state["weight1"].select(0, tower)) + state["bias1"].select(0, tower)).relu();
            Numbers(together.select(0, tower)).ShouldBe(Numbers(second), 1e-5);
        }
    }

    // Embeddings 7·8, experts 4·(16·128 + 128), gates 3·16·4, towers 3·(128·64 + 64 + 64·32 + 32), heads 3·33.
    [Fact]
    public void MMoE_has_as_many_parameters_as_its_equations_say()
    {
        using var network = new MmoeNetwork(Small, new());

        network.ParameterCount.ShouldBe(7 * 8 + 4 * (16 * 128 + 128) + 3 * 16 * 4 + 3 * (128 * 64 + 64 + 64 * 32 + 32) + 3 * 33);
    }

    // One level: 3·2 + 2 experts and 3 gates of 4 shares. A level below adds the same over 16 inputs and the shared gate's 8 shares.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void PLE_has_as_many_parameters_as_its_equations_say_and_no_gate_that_nobody_reads(int levels)
    {
        using var network = new PleNetwork(Small, new() { Levels = levels });

        var last = 8 * (Width(levels) * 128 + 128) + 3 * Width(levels) * 4;
        var below = levels == 1 ? 0 : 8 * (16 * 128 + 128) + 3 * 16 * 4 + 16 * 8;
        network.ParameterCount.ShouldBe(7 * 8 + below + last + 3 * (128 * 64 + 64 + 64 * 32 + 32) + 3 * 33);
        network.named_parameters().Count(pair => pair.name.Contains("sharedGate", StringComparison.Ordinal)).ShouldBe(levels - 1);

        static int Width(int levels) => levels == 1 ? 16 : 128;
    }

    [Fact]
    public void A_loss_of_one_task_leaves_the_own_experts_of_the_others_without_a_gradient_in_PLE()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using var network = new PleNetwork(Small, new() { Embedding = 2, ExpertLayers = [6], Towers = [4], Dropout = [0, 0] });

        network.call(tensor(new long[] { 0, 1, 2, 3 }, [2, 2]), null).narrow(1, 1, 1).sum().backward();

        var experts = network.named_parameters().Single(pair => pair.name == "level0.ownExperts.weight0").parameter.grad!;
        Sum(experts.narrow(1, 0, 12)).ShouldBe(0);
        Sum(experts.narrow(1, 12, 12)).ShouldBeGreaterThan(0);
        Sum(experts.narrow(1, 24, 12)).ShouldBe(0);
        Sum(network.named_parameters().Single(pair => pair.name == "level0.sharedExperts.weight0").parameter.grad!).ShouldBeGreaterThan(0);
    }

    // Experts 3·2 + 2, expert transfers 2·2 of 128² + 128, attention 2·3·128², gates 3·16·4; towers and theirs as AITM's of width 32.
    [Fact]
    public void MNCM_has_as_many_parameters_as_its_equations_say()
    {
        using var network = new MncmNetwork(Small, new());

        var experts = 8 * (16 * 128 + 128) + 4 * (128 * 128 + 128) + 2 * 3 * 128 * 128;
        var towers = 3 * (128 * 64 + 64 + 64 * 32 + 32) + 2 * (32 * 32 + 32 + 3 * 32 * 32) + 3 * 33;
        network.ParameterCount.ShouldBe(7 * 8 + experts + 3 * 16 * 4 + towers);
        network.Attention.Count.ShouldBe(2 + 2);
    }

    // Information runs down the funnel: an earlier stage never hears of a later one.
    [Fact]
    public void MNCM_hands_over_between_experts_and_between_towers_and_only_downwards()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using var network = new MncmNetwork(Small, new() { Embedding = 2, ExpertLayers = [6], Towers = [4], Dropout = [0, 0], TransferDropout = 0 });
        var ids = tensor(new long[] { 0, 1, 2, 3 }, [2, 2]);

        network.call(ids, null).narrow(1, 0, 1).sum().backward();

        foreach (var (name, parameter) in network.named_parameters().Where(pair => pair.name.Contains("Chain", StringComparison.Ordinal)))
        {
            Sum(parameter.grad.ShouldNotBeNull(name)).ShouldBe(0, name);
        }

        network.zero_grad();
        network.call(ids, null).narrow(1, 2, 1).sum().backward();

        foreach (var (name, parameter) in network.named_parameters())
        {
            Sum(parameter.grad.ShouldNotBeNull(name)).ShouldBeGreaterThan(0, name);
        }
    }

    private static float Sum(Tensor values) => values.abs().sum().item<float>();

    private static float[] Numbers(Tensor values) => values.contiguous().data<float>().ToArray();
}
