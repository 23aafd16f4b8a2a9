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
    private readonly Snapshot data;
    private readonly AmountModel? amount;
    private readonly Device device;
    private readonly PremiseDraws? draws;
    private readonly NetworkLoss loss;
    // An epoch has batches of two sizes: all but its last, and that.
    private TrainingBatch? batch;
    private TrainingBatch? other;

    public GatheredStep(TrainingState state, Snapshot data, AmountModel? amount, Device device) : base(state)
    {
        (this.data, this.amount, this.device) = (data, amount, device);
        var network = state.Network;
        draws = network.Curriculum is { } curriculum ? new PremiseDraws(curriculum, network.Shape.Tasks, state.Premises) : null;
        loss = new NetworkLoss(network, device);
    }

    public override void BeginEpoch() => State.Shuffle.Shuffle(State.Order.AsSpan());

    public override void Take(int count)
    {
        var rows = Of(count);
        rows.Fill(State.Order.AsSpan(State.Row, count));
        var progress = State.Epoch + (double)State.Row / State.Order.Length;
        var premise = draws?.Draw(TrainingBatch.Numbers<float>(rows.Premise.Shown), progress) == true ? rows.Premise : null;

        State.Optimizer.ZeroGradients();
        if (device.type != DeviceType.CPU)
        {
            LearnOnDevice(rows, premise);
        }
        else if (!loss.LearnsAtOnce(rows.Ids, premise, rows.Labels, State.Losses))
        {
            using var scope = NewDisposeScope();
            State.AddLoss(loss.Backward(rows.Ids, premise, rows.Labels, rows.Amounts));
        }

        State.Optimizer.Step();
        State.Averaged?.Step();
    }

    public override void Dispose()
    {
        loss.Dispose();
        batch?.Dispose();
        other?.Dispose();
    }

    private void LearnOnDevice(TrainingBatch rows, Premise? premise)
    {
        using var scope = NewDisposeScope();
        var labels = rows.Labels.to(device);
        var shown = premise is null ? null : new Premise(labels, premise.Shown.to(device));
        State.AddLoss(loss.Backward(rows.Ids.to(device), shown, labels, rows.Amounts?.to(device)));
    }

    private TrainingBatch Of(int count)
    {
        if (batch?.Rows != count)
        {
            (batch, other) = (other, batch);
        }

        if (batch?.Rows != count)
        {
            batch?.Dispose();
            batch = new TrainingBatch(data, count, amount);
        }

        return batch;
    }
}
