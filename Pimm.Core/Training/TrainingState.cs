using Pimm.Core.Networks;
using Pimm.Core.Statistics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>
/// Everything that a training changes from step to step, Torch's generator aside: what a checkpoint holds. Whatever else a training
/// uses follows from its rows and options.
/// </summary>
internal sealed class TrainingState : IDisposable
{
    /// <param name="rows">the training rows in any order; every epoch puts them into another, in place</param>
    /// <param name="floor">the first epoch that may be kept</param>
    public TrainingState(MultiTaskNetwork network, TrainingOptions options, int[] rows, int batch, int floor)
    {
        (Network, Order) = (network, rows);
        Optimizer = new NetworkOptimizer(network, options.LearningRate, options.EmbeddingUpdates, options.Resident);
        Averaged = options.Averaging > 0 ? new AveragedWeights(network, options.Averaging * ((double)rows.Length / batch)) : null;
        Averaged?.LeaveTo(Optimizer.Tables);
        Best = new KeptWeights(network);
        Shuffle = new RandomStream(options.Seed, "shuffle");
        Premises = new RandomStream(options.Seed, "premise");
        Stopping = new EarlyStopping(options.Patience, floor, options.StopOn == StoppingMeasure.Auc);
        Losses = zeros(1, device: torch.device(options.Device)).DetachFromDisposeScope();
    }

    public MultiTaskNetwork Network { get; }

    public NetworkOptimizer Optimizer { get; }

    /// <summary>Null where the last step's weights are kept as they are.</summary>
    public AveragedWeights? Averaged { get; }

    public KeptWeights Best { get; }

    public RandomStream Shuffle { get; }

    public RandomStream Premises { get; }

    public EarlyStopping Stopping { get; }

    /// <summary>The finished epochs.</summary>
    public List<EpochMetrics> Epochs { get; } = [];

    /// <summary>The epoch under way, from 0.</summary>
    public int Epoch => Epochs.Count;

    /// <summary>The training rows in the order of the epoch under way.</summary>
    public int[] Order { get; }

    /// <summary>How many rows of the epoch under way have been learned from.</summary>
    public int Row { get; set; }

    /// <summary>The sum of the losses of this epoch's batches.</summary>
    public Tensor Losses { get; }

    /// <summary>Time spent on training steps, by the attempts before too.</summary>
    public TimeSpan Spent { get; set; }

    /// <summary>Adds a batch's loss.</summary>
    public void AddLoss(Tensor loss)
    {
        using var quiet = no_grad();
        Losses.add_(loss);
    }

    /// <summary>Reads the sum, which waits for the device.</summary>
    public float SumOfLosses()
    {
        if (Losses.device_type == DeviceType.CPU)
        {
            return Losses.item<float>();
        }

        using var losses = Losses.cpu();
        return losses.item<float>();
    }

    /// <summary>Begins an epoch: no losses yet.</summary>
    public void BeginEpoch()
    {
        using var quiet = no_grad();
        Losses.zero_();
    }

    public void EndEpoch(EpochMetrics metrics)
    {
        Epochs.Add(metrics);
        Row = 0;
    }

    /// <summary>All weights, means and moments there are at the moment, each under a name of its own.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Tensors()
    {
        IEnumerable<(string, Tensor)> weights = Network.named_parameters().Select(pair => ($"weights/{pair.name}", (Tensor)pair.parameter));
        var mean = Averaged?.Tensors.Select(pair => ($"mean/{pair.Key}", pair.Value)) ?? [];
        var best = Network.named_parameters().Where(_ => Best.Tensors.Count > 0).Select(pair => ($"best/{pair.name}", Best.Tensors[pair.name]));
        return [.. weights, .. Optimizer.Tensors, .. mean, .. best, ("losses", Losses)];
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        Averaged?.Dispose();
        Best.Dispose();
        Losses.Dispose();
    }
}
