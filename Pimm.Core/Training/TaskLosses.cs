using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Training;

/// <summary>The losses of <see cref="StageLoss"/> and AITM's calibrator; means over the rows of a batch, scalars.</summary>
public static class TaskLosses
{
    // Below it a difference of probabilities has no logarithm worth having.
    private const double LeastDifference = 1e-6;

    /// <param name="logits">[B, T]</param>
    /// <param name="labels">[B, T] of 0 and 1, the logits' type</param>
    /// <param name="weights">[T] task weights; null for 1 each</param>
    /// <returns>Σ_t w_t · mean_B BCE, plus the calibrator where it has a weight</returns>
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

    /// <summary><see cref="StageLoss.Dependence"/>.</summary>
    /// <param name="conditional">z, [B, T]</param>
    /// <param name="labels">[B, T] of 0 and 1, never 1 behind a 0</param>
    /// <param name="weights">[T] task weights; null for 1 each</param>
    public static Tensor Dependence(Tensor conditional, Tensor labels, Tensor? weights)
    {
        var reached = WithFront(labels, 1).narrow(1, 0, labels.shape[1]);                           // y_{t−1}, [B, T]
        var entropy = functional.binary_cross_entropy_with_logits(conditional, labels, weights, Reduction.None);
        return (reached * entropy).sum() / (double)labels.shape[0];
    }

    /// <summary><see cref="StageLoss.MarginalDependence"/>.</summary>
    /// <param name="logits">of ŷ, [B, T]</param>
    /// <param name="labels">[B, T] of 0 and 1, never 1 behind a 0</param>
    public static Tensor MarginalDependence(Tensor logits, Tensor labels)
    {
        var stopped = WithFront(labels, 1) - WithBack(labels, 0);                                   // [B, T + 1], one 1 a row
        var probabilities = sigmoid(logits);
        var shares = WithFront(probabilities, 1) - WithBack(probabilities, 0);
        return (stopped * shares.clamp_min(LeastDifference).log()).sum() / -(double)labels.shape[0];
    }

    /// <summary><see cref="StageLoss.Pairwise"/>.</summary>
    /// <param name="conditional">z, [B, T]</param>
    /// <param name="labels">[B, T] of 0 and 1, never 1 behind a 0</param>
    /// <param name="weights">[T] weights, that of a pair its later task's; null for 1 each</param>
    public static Tensor Pairwise(Tensor conditional, Tensor labels, Tensor? weights)
    {
        var pairs = labels.shape[1] - 1;
        if (pairs == 0)
        {
            return Of(conditional, labels, weights, calibratorWeight: 0);
        }

        var (reached, missed) = StageChain.Logarithms(conditional);
        var (before, after) = (labels.narrow(1, 0, pairs), labels.narrow(1, 1, pairs));
        var between = reached.narrow(1, 0, pairs) + functional.logsigmoid(-conditional.narrow(1, 1, pairs));   // ln(ŷ_{t−1} − ŷ_t)
        var chosen = after * reached.narrow(1, 1, pairs) + (before - after) * between + (1 - before) * missed.narrow(1, 0, pairs);
        chosen = weights is null ? chosen : chosen * weights.narrow(0, 1, pairs);
        return chosen.sum() / -(double)labels.shape[0];
    }

    private static Tensor WithFront(Tensor columns, double value) => cat([full_like(columns.narrow(1, 0, 1), value), columns], 1);

    private static Tensor WithBack(Tensor columns, double value) => cat([columns, full_like(columns.narrow(1, 0, 1), value)], 1);
}
