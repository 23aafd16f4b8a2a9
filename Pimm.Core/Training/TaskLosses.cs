using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Training;

/// <summary>The loss a network is trained with: <see cref="NetworkObjective"/>, but for L2, which Adam applies.</summary>
public static class TaskLosses
{
    /// <param name="logits">[B, T]</param>
    /// <param name="labels">[B, T] of 0 and 1, the logits' type</param>
    /// <param name="weights">[T] task weights; null for 1 each</param>
    /// <returns>Σ_t w_t · mean_B BCE, plus the calibrator where it has a weight; a scalar</returns>
    public static Tensor Of(Tensor logits, Tensor labels, Tensor? weights, double calibratorWeight)
    {
        var tasks = logits.shape[1];
        var entropy = functional.binary_cross_entropy_with_logits(logits, labels, weights) * (double)tasks;
        return calibratorWeight > 0 && tasks > 1 ? entropy + Calibrator(sigmoid(logits)) * calibratorWeight : entropy;
    }

    /// <summary>AITM's calibrator: mean over rows of Σ_{t≥1} max(ŷ_t − ŷ_{t−1}, 0).</summary>
    /// <param name="probabilities">[B, T]</param>
    public static Tensor Calibrator(Tensor probabilities)
    {
        var (rows, tasks) = (probabilities.shape[0], probabilities.shape[1]);
        var excess = functional.relu(probabilities.narrow(1, 1, tasks - 1) - probabilities.narrow(1, 0, tasks - 1));
        return excess.sum() / (double)rows;
    }
}
