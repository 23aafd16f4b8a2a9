using Pimm.Core.Tests.Networks;
using Pimm.Core.Tests.Torch;
using Pimm.Core.Training;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Training;

[Collection(TorchCollection.Name)]
public class TaskLossesTests
{
    // The golden cross entropies clip with 1e-7, as the code they come from; ours from logits do not, hence 1e-6.
    [Fact]
    public void Equals_the_golden_sum_of_cross_entropies_and_calibrator()
    {
        using var scope = NewDisposeScope();
        var probabilities = GoldenVectors.Tensor("aitm_loss", "P");
        var logits = (probabilities / (1 - probabilities)).log();
        var labels = GoldenVectors.Tensor("aitm_loss", "Y");

        TaskLosses.Calibrator(probabilities).item<double>().ShouldBe(GoldenVectors.Number("aitm_loss", "bec_mean"), 1e-9);
        TaskLosses.Of(logits, labels, null, 0).item<double>().ShouldBe(GoldenVectors.Numbers("aitm_loss", "bce_per_task").Sum(), 1e-6);
        TaskLosses.Of(logits, labels, null, 0.6).item<double>().ShouldBe(GoldenVectors.Number("aitm_loss", "total_alpha_0_6"), 1e-6);
    }

    [Fact]
    public void Weights_its_tasks()
    {
        using var scope = NewDisposeScope();
        var logits = zeros([5, 2]);
        var labels = ones([5, 2]);

        TaskLosses.Of(logits, labels, tensor(new float[] { 3, 0.5f }), 0).item<float>().ShouldBe((float)(3.5 * Math.Log(2)), 1e-6f);
    }

    [Fact]
    public void The_dependence_loss_equals_the_golden_vectors_in_its_three_variants()
    {
        using var scope = NewDisposeScope();
        var (conditional, marginal) = (Logit("conditionals"), Logit("marginals"));
        var labels = GoldenVectors.Tensor("dependence_loss", "labels");
        var expected = GoldenVectors.Number("dependence_loss", "nll_mean");

        TaskLosses.Dependence(conditional, labels, null).item<double>().ShouldBe(expected, 1e-9);
        TaskLosses.Dependence(conditional, labels, null).item<double>().ShouldBe(GoldenVectors.Number("dependence_loss", "masked_conditional_bce_mean"), 1e-9);
        TaskLosses.MarginalDependence(marginal, labels).item<double>().ShouldBe(expected, 1e-9);
        TaskLosses.Pairwise(conditional, labels, null).item<double>().ShouldBe(GoldenVectors.Number("dependence_loss", "pairwise_3way_mean"), 1e-9);
    }

    // One task of stage t alone has the weight: what is left is its own part.
    [Fact]
    public void The_dependence_loss_asks_a_stage_only_of_rows_that_reached_the_one_before()
    {
        using var scope = NewDisposeScope();
        var conditional = zeros([4, 2]);
        var labels = tensor(new float[] { 1, 1, 1, 0, 0, 0, 0, 0 }, [4, 2]);
        conditional.requires_grad = true;

        TaskLosses.Dependence(conditional, labels, tensor(new float[] { 0, 1 })).backward();

        conditional.grad!.data<float>().ToArray().ShouldBe([0, -0.125f, 0, 0.125f, 0, 0, 0, 0]);
    }

    [Fact]
    public void The_pairwise_loss_of_one_task_is_its_cross_entropy()
    {
        using var scope = NewDisposeScope();

        TaskLosses.Pairwise(zeros([3, 1]), ones([3, 1]), null).item<float>().ShouldBe((float)Math.Log(2), 1e-6f);
    }

    // Where the order is violated the bound has no gradient; the calibrator has.
    [Fact]
    public void The_marginal_loss_stays_finite_where_the_order_is_violated()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new float[] { -80, 80, 80, -80 }, [2, 2]);
        logits.requires_grad = true;

        var loss = TaskLosses.MarginalDependence(logits, tensor(new float[] { 1, 0, 0, 0 }, [2, 2]));
        loss.backward();

        loss.item<float>().ShouldBe((float)-Math.Log(1e-6), 1e-3f);
        logits.grad!.isfinite().all().item<bool>().ShouldBeTrue();
    }

    private static Tensor Logit(string key)
    {
        var probabilities = GoldenVectors.Tensor("dependence_loss", key);
        return (probabilities / (1 - probabilities)).log();
    }
}
