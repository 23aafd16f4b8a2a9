using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class TafeNetworkTests
{
    // Experts 4·(16·128 + 128), gates 3·16·4, dimensions 3·(16·128 + 128), own 3·(16·16 + 16·128 + 128), towers over 256.
    [Fact]
    public void Has_as_many_parameters_as_its_equations_say()
    {
        using var network = new TafeNetwork(new([3, 4], 3), new());

        var bottom = 4 * (16 * 128 + 128) + 3 * 16 * 4 + 3 * (16 * 128 + 128) + 3 * (16 * 16 + 16 * 128 + 128);
        network.ParameterCount.ShouldBe(7 * 8 + bottom + 3 * (256 * 64 + 64 + 64 * 32 + 32) + 3 * 33);
    }

    [Fact]
    public void Dimensions_count_once_at_the_start_for_a_row_of_zeros_and_between_nothing_and_twice_for_any()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var gate = new DimensionGate(3, 4, 5);

        gate.call(zeros([1, 4])).contiguous().data<float>().ToArray().ShouldAllBe(value => value == 1);
        var any = gate.call(randn([6, 4]) * 100);
        any.shape.ShouldBe([3, 6, 5]);
        any.contiguous().data<float>().ToArray().ShouldAllBe(value => value >= 0 && value <= 2);
    }

    [Fact]
    public void A_tasks_own_extraction_equals_the_product_of_its_two_matrices()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var own = new LowRankExtraction(2, 4, 3, 5, 0);
        var state = own.state_dict();
        var input = randn([6, 4]);

        var extracted = own.call(input);

        for (var task = 0; task < 2; task++)
        {
            var expected = matmul(matmul(input, state["down"].narrow(1, 3 * task, 3)), state["up"].select(0, task)).relu();
            extracted.select(0, task).contiguous().data<float>().ToArray().ShouldBe(expected.data<float>().ToArray(), 1e-5);
        }
    }

    [Theory]
    [InlineData(TafeLoss.Dependence, StageLoss.Dependence, true, 0)]
    [InlineData(TafeLoss.Marginal, StageLoss.MarginalDependence, false, 0.6)]
    [InlineData(TafeLoss.Pairwise, StageLoss.Pairwise, true, 0)]
    public void Its_setting_loss_decides_what_its_heads_mean_and_whether_the_order_must_be_calibrated(
        TafeLoss given, StageLoss loss, bool conditional, double calibrator)
    {
        using var network = new TafeNetwork(new([3, 4], 3), new() { Loss = given, Lambda = 0.25 });

        network.Conditional.ShouldBe(conditional);
        network.Objective.Loss.ShouldBe(loss);
        network.Objective.CalibratorWeight.ShouldBe(calibrator);
        network.Objective.EntireSpaceWeight.ShouldBe(0.25);
    }

    // Under the dependence loss a stage's loss is its own conditional probability's: nothing reaches another task's tower.
    [Fact]
    public void A_tasks_conditional_logit_reaches_its_own_tower_and_every_expert()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var network = new TafeNetwork(new([3, 4], 3), new() { Embedding = 2, ExpertLayers = [6], Rank = 2, Towers = [4], Dropout = [0, 0] });

        network.call(tensor(new long[] { 0, 1, 2, 3 }, [2, 2]), null).narrow(1, 1, 1).sum().backward();

        var gradients = network.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!);
        Sum(gradients["towers.weight0"].select(0, 0)).ShouldBe(0);
        Sum(gradients["towers.weight0"].select(0, 1)).ShouldBeGreaterThan(0);
        Sum(gradients["towers.weight0"].select(0, 2)).ShouldBe(0);
        Sum(gradients["own.up"].select(0, 2)).ShouldBe(0);
        for (var expert = 0; expert < 4; expert++)
        {
            Sum(gradients["experts.weight0"].narrow(1, 6 * expert, 6)).ShouldBeGreaterThan(0);
        }
    }

    private static float Sum(Tensor values) => values.abs().sum().item<float>();
}
