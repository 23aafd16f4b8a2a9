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
}
