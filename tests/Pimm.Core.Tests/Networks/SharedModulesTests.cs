using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class SharedModulesTests
{
    [Fact]
    public void The_merged_table_keeps_the_fields_apart()
    {
        using var scope = NewDisposeScope();
        using var table = new EmbeddingTable([2, 3], 2);
        using (no_grad())
        {
            table.Weight.copy_(arange(10, ScalarType.Float32).view(5, 2));
        }

        table.call(tensor(new long[] { 0, 0, 1, 2 }, [2, 2])).data<float>().ToArray().ShouldBe([0, 1, 4, 5, 2, 3, 8, 9]);
        table.Width.ShouldBe(4);
    }

    [Fact]
    public void Batched_towers_equal_towers_computed_one_by_one()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var towers = new TowerBank(3, 4, [5, 2], [0, 0]);
        var state = towers.state_dict();
        using (no_grad())
        {
            state["bias0"].normal_();
            state["bias1"].normal_();
        }

        var input = randn([6, 4]);

        var together = towers.call(input);

        together.shape.ShouldBe([3, 6, 2]);
        for (var task = 0; task < 3; task++)
        {
            var first = (matmul(input, state["weight0"].narrow(1, 5 * task, 5)) + state["bias0"].narrow(0, 5 * task, 5)).relu();
            var second = (matmul(first, state["weight1"].select(0, task)) + state["bias1"].select(0, task)).relu();
            together.select(0, task).contiguous().data<float>().ToArray().ShouldBe(second.data<float>().ToArray(), 1e-5);
        }
    }

    [Fact]
    public void Towers_without_layers_hand_the_input_to_every_task()
    {
        using var scope = NewDisposeScope();
        using var towers = new TowerBank(2, 3, [], []);
        var input = randn([4, 3]);

        towers.OutputWidth.ShouldBe(3);
        towers.call(input).select(0, 1).contiguous().data<float>().ToArray().ShouldBe(input.data<float>().ToArray());
    }

    [Fact]
    public void Towers_drop_units_while_training_only()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var towers = new TowerBank(1, 8, [400], [0.5]);
        var input = ones([1, 8]);

        double Zeros() => towers.call(input).data<float>().ToArray().Count(value => value == 0) / 400.0;
        var dropped = Zeros();
        towers.eval();
        var kept = Zeros();

        (dropped - kept).ShouldBe((1 - kept) * 0.5, 0.1);
    }

    [Fact]
    public void The_heads_together_equal_each_alone()
    {
        using var scope = NewDisposeScope();
        manual_seed(6);
        using var heads = new TaskHeads(3, 4);
        var states = randn([3, 5, 4]);

        var together = heads.call(states);

        together.shape.ShouldBe([5, 3]);
        for (var task = 0; task < 3; task++)
        {
            together.narrow(1, task, 1).contiguous().data<float>().ToArray()
                .ShouldBe(heads.Of(task, states.select(0, task)).data<float>().ToArray(), 1e-6);
        }
    }

    [Theory]
    [InlineData("128", "64,32", "0.1,0.3,0.3")]
    [InlineData("none", "128,64,32", "0.1,0.3,0.3")]
    [InlineData("16,8", "none", "0,0")]
    public void Shared_Bottom_takes_any_division_between_bottom_and_towers(string bottom, string towers, string dropout)
    {
        using var scope = NewDisposeScope();
        var (network, _) = NetworkCatalog.Create(
            "shared-bottom", new([3, 4], 3), new Dictionary<string, string> { ["bottom"] = bottom, ["towers"] = towers, ["dropout"] = dropout });

        using (network)
        {
            network.call(tensor(new long[] { 0, 3, 2, 1 }, [2, 2]), null).shape.ShouldBe([2, 3]);
            network.Curriculum.ShouldBeNull();
        }
    }

    // Embeddings 7·8, bottom 16·128 + 128, two towers of (128·64 + 64) + (64·32 + 32), two heads of 33.
    [Fact]
    public void Shared_Bottom_has_as_many_parameters_as_its_equations_say()
    {
        using var network = new SharedBottomNetwork(new([3, 4], 2), new());

        network.ParameterCount.ShouldBe(7 * 8 + 16 * 128 + 128 + 2 * (128 * 64 + 64 + 64 * 32 + 32) + 2 * 33);
    }
}
