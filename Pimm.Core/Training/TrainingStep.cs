using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>One step after another: a batch → forward, loss, backward → Adam → running mean. Changes nothing but the state.</summary>
internal abstract class TrainingStep(TrainingState state) : IDisposable
{
    protected TrainingState State => state;

    /// <summary>Puts the rows of the epoch that begins into an order of its own.</summary>
    public abstract void BeginEpoch();

    /// <summary>Learns from the epoch's next rows.</summary>
    public abstract void Take(int count);

    /// <summary>Goes on from a state that was put back.</summary>
    public virtual void Resume() { }

    /// <summary>Completes the state, for whoever keeps it.</summary>
    public virtual void Keep() { }

    public abstract void Dispose();
}

/// <summary>Gathers every batch on the host and copies it to the device.</summary>
internal sealed class GatheredStep : TrainingStep
{
    private readonly MultiTaskNetwork network;
    private readonly AmountModel? amount;
    private readonly Device device;
    private readonly SnapshotBatches batches;
    private readonly PremiseDraws? draws;
    private readonly NetworkLoss loss;

    public GatheredStep(TrainingState state, Snapshot data, AmountModel? amount, Device device) : base(state)
    {
        (network, this.amount, this.device, batches) = (state.Network, amount, device, new SnapshotBatches(data));
        draws = network.Curriculum is { } curriculum ? new PremiseDraws(curriculum, network.Shape.Tasks, state.Premises) : null;
        loss = new NetworkLoss(network, device);
    }

    public override void BeginEpoch() => State.Shuffle.Shuffle(State.Order.AsSpan());

    public override void Take(int count)
    {
        using var scope = NewDisposeScope();
        batches.Gather(State.Order.AsSpan(State.Row, count));
        var tasks = network.Shape.Tasks;
        var progress = State.Epoch + (double)State.Row / State.Order.Length;
        var ids = tensor(batches.Ids, [count, network.Shape.Fields]).to(device);            // [B, F]
        var labels = tensor(batches.Labels, [count, tasks]).to(device);                     // [B, T]
        var premise = draws?.Draw(count, progress) is { } shown ? new Premise(labels, tensor(shown, [count, tasks - 1]).to(device)) : null;
        var amounts = amount is null ? null : tensor(Array.ConvertAll(batches.Amounts, amount.ToTraining)).to(device);

        State.Optimizer.ZeroGradients();
        var value = loss.Backward(ids, premise, labels, amounts);
        State.Optimizer.Step();
        State.Averaged?.Step();
        State.AddLoss(value);
    }

    public override void Dispose() => loss.Dispose();
}
