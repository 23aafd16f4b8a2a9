using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>One step after another: gather a batch → forward, loss, backward → Adam → running mean. Changes nothing but the state.</summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly TrainingState state;
    private readonly MultiTaskNetwork network;
    private readonly AmountModel? amount;
    private readonly Device device;
    private readonly SnapshotBatches batches;
    private readonly PremiseDraws? draws;
    private readonly NetworkLoss loss;

    public TrainingStep(TrainingState state, Snapshot data, AmountModel? amount, Device device)
    {
        (this.state, network, this.amount, this.device, batches) = (state, state.Network, amount, device, new SnapshotBatches(data));
        draws = network.Curriculum is { } curriculum ? new PremiseDraws(curriculum, network.Shape.Tasks, state.Premises) : null;
        loss = new NetworkLoss(network, device);
    }

    /// <param name="progress">finished epochs, fractional within one</param>
    public void Take(ReadOnlySpan<int> rows, double progress)
    {
        using var scope = NewDisposeScope();
        batches.Gather(rows);
        var (count, tasks) = (rows.Length, network.Shape.Tasks);
        var ids = tensor(batches.Ids, [count, network.Shape.Fields]).to(device);            // [B, F]
        var labels = tensor(batches.Labels, [count, tasks]).to(device);                     // [B, T]
        var premise = draws?.Draw(count, progress) is { } shown ? new Premise(labels, tensor(shown, [count, tasks - 1]).to(device)) : null;
        var amounts = amount is null ? null : tensor(Array.ConvertAll(batches.Amounts, amount.ToTraining)).to(device);

        state.Optimizer.ZeroGradients();
        var value = loss.Backward(ids, premise, labels, amounts);
        state.Optimizer.Step();
        state.Averaged?.Step();
        state.AddLoss(value);
    }

    public void Dispose() => loss.Dispose();
}
