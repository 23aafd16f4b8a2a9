using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Training;

/// <summary>The loss a network asks for (<see cref="NetworkObjective"/>), but for L2, which Adam applies, and its gradients.</summary>
public sealed class NetworkLoss : IDisposable
{
    private readonly MultiTaskNetwork network;
    private readonly NetworkObjective objective;
    private readonly Tensor? weights;

    public NetworkLoss(MultiTaskNetwork network, Device device)
    {
        this.network = network;
        objective = network.Objective;
        if (objective.TaskWeights.Count > 0)
        {
            weights = tensor(objective.TaskWeights.Select(weight => (float)weight).ToArray()).to(device);
            weights.DetachFromDisposeScope();
        }
    }

    /// <summary>Runs the network, computes the loss and adds its gradients to the parameters'.</summary>
    /// <param name="ids">[B, F]</param>
    /// <param name="premise">What the network may see of the labels; null for nothing.</param>
    /// <param name="labels">[B, T] of 0 and 1</param>
    /// <param name="amounts">[B] on the training scale; only where the network predicts them</param>
    /// <returns>the loss, without a gradient</returns>
    public Tensor Backward(Tensor ids, Premise? premise, Tensor labels, Tensor? amounts)
    {
        if (objective.Adjustment is { } adjustment && network.Shared.Count > 0)
        {
            return BackwardAdjusted(adjustment, ByTask(network.Columns(ids, premise), labels, amounts));
        }

        var loss = Of(network.call(ids, premise), labels, amounts);
        loss.backward();
        return loss.detach();
    }

    /// <summary>As <see cref="Backward"/>, and adds the loss to a sum, where network and loss are such that one native function does it all.</summary>
    /// <returns>false where they are not, and nothing was done</returns>
    internal bool LearnsAtOnce(Tensor ids, Premise? premise, Tensor labels, Tensor losses) =>
        objective is { Loss: StageLoss.CrossEntropy, CalibratorWeight: <= 0, Adjustment: null } && !network.PredictsAmount
        && network.LearnsAtOnce(ids, premise, labels, weights, losses);

    /// <param name="outputs">[B, T], or [B, T + 1] with an amount</param>
    /// <returns>the whole loss, a scalar</returns>
    public Tensor Of(Tensor outputs, Tensor labels, Tensor? amounts)
    {
        var stages = network.StageOutputs(outputs);
        var loss = objective.Loss switch
        {
            StageLoss.Dependence => TaskLosses.Dependence(stages, labels, weights),
            StageLoss.MarginalDependence => TaskLosses.MarginalDependence(stages, labels),
            StageLoss.Pairwise => TaskLosses.Pairwise(stages, labels, weights),
            _ => TaskLosses.Of(network.StageLogits(outputs), labels, weights, objective.CalibratorWeight),
        };
        if (objective.Loss != StageLoss.CrossEntropy)
        {
            loss = WithEntireSpace(loss, outputs, labels);
        }

        return amounts is null ? loss : loss + functional.mse_loss(network.AmountOf(outputs), amounts);
    }

    /// <param name="columns">logits of ŷ_t, and the amount, [B, 1] each</param>
    /// <returns>one cross entropy a task, the amount's squared error last where there is one; together they are <see cref="Of"/></returns>
    public IReadOnlyList<Tensor> ByTask(IReadOnlyList<Tensor> columns, Tensor labels, Tensor? amounts)
    {
        var losses = new List<Tensor>();
        for (var task = 0; task < network.Shape.Tasks; task++)
        {
            losses.Add(TaskLosses.Of(columns[task], labels.narrow(1, task, 1), weights?.narrow(0, task, 1), calibratorWeight: 0));
        }

        if (amounts is not null)
        {
            losses.Add(functional.mse_loss(columns[^1].squeeze(1), amounts));
        }

        return losses;
    }

    public void Dispose() => weights?.Dispose();

    private Tensor WithEntireSpace(Tensor loss, Tensor outputs, Tensor labels)
    {
        if (objective is { EntireSpaceWeight: <= 0, CalibratorWeight: <= 0 })
        {
            return loss;
        }

        var logits = network.StageLogits(outputs);
        loss = objective.EntireSpaceWeight > 0 ? loss + TaskLosses.Of(logits, labels, weights, 0) * objective.EntireSpaceWeight : loss;
        return objective.CalibratorWeight > 0 && logits.shape[1] > 1
            ? loss + TaskLosses.Calibrator(sigmoid(logits)) * objective.CalibratorWeight
            : loss;
    }

    // Each loss's own backward pass leaves its gradient of the shared parameters alone; every other parameter collects its own.
    private Tensor BackwardAdjusted(GradientAdjustment adjustment, IReadOnlyList<Tensor> losses)
    {
        var gradients = new List<Tensor>();
        for (var task = 0; task < losses.Count; task++)
        {
            losses[task].backward(retain_graph: task < losses.Count - 1);
            gradients.Add(TakeShared());
        }

        using var quiet = no_grad();
        var merged = adjustment.Merge(gradients[^1], gradients[..^1]);
        var start = 0L;
        foreach (var parameter in network.Shared)
        {
            parameter.grad = merged.narrow(0, start, parameter.numel()).view(parameter.shape).contiguous();
            start += parameter.numel();
        }

        return losses.Aggregate((sum, loss) => sum + loss).detach();
    }

    private Tensor TakeShared()
    {
        var parts = new List<Tensor>();
        foreach (var parameter in network.Shared)
        {
            parts.Add((parameter.grad ?? zeros_like(parameter)).view(-1));
            parameter.grad = null;
        }

        return parts.Count == 1 ? parts[0] : cat(parts);
    }
}
