using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>What a run of the loop came to; the network then holds the best epoch's weights.</summary>
/// <param name="Epochs">One entry an epoch trained.</param>
/// <param name="BestEpoch">From 1.</param>
/// <param name="TrainingTime">Spent on training steps, validation left out.</param>
/// <param name="Amount">How the amount was learned; null where the network predicts none.</param>
public sealed record TrainingRun(IReadOnlyList<EpochMetrics> Epochs, int BestEpoch, TimeSpan TrainingTime, AmountModel? Amount);

/// <summary>
/// The training of one network on one snapshot, in the order it happens: shuffle → batches (forward, loss, backward, step) →
/// validate → keep the best → stop; a refit keeps the last and stops after its epochs. Everything random follows from the seed: Torch's generator gives the initial weights (before
/// the loop) and dropout, two streams of our own the order of rows and the premises. Same seed, data and threads: same weights.
/// </summary>
public sealed class TrainingLoop(MultiTaskNetwork network, Snapshot data, TrainingOptions options, TimeProvider clock)
{
    // The loss is read from the device only so often: each reading waits for everything before it.
    private const int StepsBetweenReadings = 20;

    private readonly Device device = torch.device(options.Device);
    private readonly SnapshotBatches batches = new(data);
    private readonly int[] trainingRows = RowsToTrain(data, options);
    private readonly int[] validationRows = data.RowsOf(Split.Validation);
    private readonly AmountModel? amount =
        network.PredictsAmount ? AmountModel.Fit(data, RowsToTrain(data, options), network.Objective.AmountScale) : null;

    private readonly int batchSize = options.BatchFor(RowsToTrain(data, options).Length);

    /// <exception cref="InputException">The loss stopped being a number.</exception>
    /// <exception cref="OperationCanceledException">Asked for between two batches.</exception>
    public TrainingRun Run(Action<TrainingProgress> report, CancellationToken cancellationToken)
    {
        var shuffle = new Statistics.RandomStream(options.Seed, "shuffle");
        var draws = network.Curriculum is { } curriculum ? new PremiseDraws(curriculum, network.Shape.Tasks, options.Seed) : null;
        var stopping = new EarlyStopping(options.Patience, network.Curriculum?.EpochOfFloor ?? 0, options.StopOn == StoppingMeasure.Auc);
        var pace = new TrainingPace(clock, trainingRows.Length);
        using var optimizer = new NetworkOptimizer(network, options.LearningRate);
        using var best = new KeptWeights(network);
        using var loss = new NetworkLoss(network, device);
        var epochs = new List<EpochMetrics>();

        for (var epoch = 0; epoch < options.Epochs && (options.Refit || epoch == 0 || !stopping.ShouldStop); epoch++)
        {
            shuffle.Shuffle(trainingRows.AsSpan());
            var last = LastEpoch(stopping, epoch);
            var trainingLoss = TrainEpoch(epoch, draws, optimizer, loss, samples => report(pace.At(epoch, last, samples)), pace, cancellationToken);
            var metrics = Validated(epoch, trainingLoss, cancellationToken);
            epochs.Add(metrics);
            if (stopping.Add(Measure(metrics)) && !options.Refit)
            {
                best.Keep();
            }

            report(pace.At(epoch, LastEpoch(stopping, epoch), trainingRows.Length) with { Finished = metrics });
        }

        best.Restore();
        network.eval();
        return new TrainingRun(epochs, options.Refit ? epochs.Count : stopping.BestEpoch + 1, pace.Spent, Smeared(cancellationToken));
    }

    private static int[] RowsToTrain(Snapshot data, TrainingOptions options) => options.Refit
        ? [.. data.RowsOf(Split.Train), .. data.RowsOf(Split.Validation), .. data.RowsOf(Split.Calibration)]
        : data.RowsOf(Split.Train);

    private int LastEpoch(EarlyStopping stopping, int epoch) =>
        options.Refit ? options.Epochs - 1 : Math.Min(Math.Max(stopping.EarliestStop, epoch), options.Epochs - 1);

    private EpochMetrics Validated(int epoch, double trainingLoss, CancellationToken cancellationToken)
    {
        var predictions = ModelEvaluation.Predict(network, device, data, validationRows, cancellationToken);
        var tasks = TaskMetrics.Of(predictions);
        return new(epoch + 1, network.Curriculum?.ProbabilityAt(epoch), trainingLoss, tasks.Sum(task => task.LogLoss), tasks)
        {
            ValidationAmountError = predictions.Amounts is { } amounts ? amount?.TrainingError(amounts) : null,
        };
    }

    private double Measure(EpochMetrics epoch) => options.StopOn == StoppingMeasure.Auc
        ? epoch.Validation.Sum(task => task.Auc ?? 0.5)
        : epoch.ValidationLogLoss + (epoch.ValidationAmountError ?? 0);

    private AmountModel? Smeared(CancellationToken cancellationToken) => amount is { Scale: AmountScale.Log1p }
        && ModelEvaluation.Predict(network, device, data, trainingRows, cancellationToken).Amounts is { } amounts
            ? amount.WithSmearing(amounts)
            : amount;

    /// <returns>The mean loss of the epoch's batches.</returns>
    private double TrainEpoch(
        int epoch, PremiseDraws? draws, NetworkOptimizer optimizer, NetworkLoss loss,
        Action<long> seen, TrainingPace pace, CancellationToken cancellationToken)
    {
        network.train();
        pace.Start();
        using var total = zeros(1, device: device);
        total.DetachFromDisposeScope();
        var steps = 0;
        for (var start = 0; start < trainingRows.Length; start += batchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var rows = trainingRows.AsSpan(start, Math.Min(batchSize, trainingRows.Length - start));
            var progress = epoch + (double)start / trainingRows.Length;
            Step(rows, draws?.Draw(rows.Length, progress), optimizer, loss, total);
            if (++steps % StepsBetweenReadings == 0)
            {
                MustBeFinite(total, epoch);
                seen(start + rows.Length);
            }
        }

        var mean = MustBeFinite(total, epoch) / steps;
        pace.Stop();
        return mean;
    }

    private void Step(ReadOnlySpan<int> rows, float[]? shown, NetworkOptimizer optimizer, NetworkLoss loss, Tensor total)
    {
        using var scope = NewDisposeScope();
        batches.Gather(rows);
        var (count, tasks) = (rows.Length, network.Shape.Tasks);
        var ids = tensor(batches.Ids, [count, network.Shape.Fields]).to(device);            // [B, F]
        var labels = tensor(batches.Labels, [count, tasks]).to(device);                     // [B, T]
        var premise = shown is null ? null : new Premise(labels, tensor(shown, [count, tasks - 1]).to(device));

        var amounts = amount is null ? null : tensor(Array.ConvertAll(batches.Amounts, amount.ToTraining)).to(device);

        optimizer.ZeroGradients();
        var value = loss.Backward(network.call(ids, premise), labels, amounts);
        optimizer.Step();

        using var quiet = no_grad();
        total.add_(value);
    }

    private double MustBeFinite(Tensor total, int epoch)
    {
        var sum = (double)total.item<float>();
        return double.IsFinite(sum)
            ? sum
            : throw new InputException(FormattableString.Invariant(
                $"The loss stopped being a number in epoch {epoch + 1} at learning rate {options.LearningRate}; choose a smaller one with --lr."));
    }
}
