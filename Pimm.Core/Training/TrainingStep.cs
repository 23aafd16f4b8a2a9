using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>One step after another: gather a batch → forward, loss, backward → Adam → running mean. Keeps the sum of the losses.</summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly MultiTaskNetwork network;
    private readonly AmountModel? amount;
    private readonly Device device;
    private readonly SnapshotBatches batches;
    private readonly PremiseDraws? draws;
    private readonly NetworkOptimizer optimizer;
    private readonly NetworkLoss loss;
    private readonly Tensor total;

    /// <param name="stepsInEpoch">the unit of the running mean's window</param>
    public TrainingStep(MultiTaskNetwork network, Snapshot data, TrainingOptions options, AmountModel? amount, double stepsInEpoch)
    {
        (this.network, this.amount, device, batches) = (network, amount, torch.device(options.Device), new SnapshotBatches(data));
        draws = network.Curriculum is { } curriculum ? new PremiseDraws(curriculum, network.Shape.Tasks, options.Seed) : null;
        optimizer = new NetworkOptimizer(network, options.LearningRate);
        loss = new NetworkLoss(network, device);
        Averaged = options.Averaging > 0 ? new AveragedWeights(network, options.Averaging * stepsInEpoch) : null;
        total = zeros(1, device: device);
        total.DetachFromDisposeScope();
    }

    /// <summary>Null where the last step's weights are kept as they are.</summary>
    public AveragedWeights? Averaged { get; }

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

        optimizer.ZeroGradients();
        var value = loss.Backward(ids, premise, labels, amounts);
        optimizer.Step();
        Averaged?.Step();

        using var quiet = no_grad();
        total.add_(value);
    }

    /// <summary>The sum of the losses since it was last asked to begin anew; reading it waits for the device.</summary>
    public double Losses => total.item<float>();

    public void Begin()
    {
        using var quiet = no_grad();
        total.zero_();
    }

    public void Dispose()
    {
        optimizer.Dispose();
        loss.Dispose();
        Averaged?.Dispose();
        total.Dispose();
    }
}
