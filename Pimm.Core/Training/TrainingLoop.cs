using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>What a run of the loop came to; the network then holds the kept weights.</summary>
/// <param name="Epochs">One entry an epoch trained.</param>
/// <param name="BestEpoch">From 1; the last one of a refit.</param>
/// <param name="TrainedRows">Rows of an epoch.</param>
/// <param name="TrainingTime">Spent on training steps, validation left out.</param>
/// <param name="Amount">How the amount was learned; null where the network predicts none.</param>
public sealed record TrainingRun(IReadOnlyList<EpochMetrics> Epochs, int BestEpoch, int TrainedRows, TimeSpan TrainingTime, AmountModel? Amount);

/// <summary>
/// The training of one network on one snapshot, in the order it happens: shuffle → steps → validate → keep the best → stop; a refit
/// keeps the last and stops after its epochs. Everything random follows from the seed: Torch's generator gives the initial weights
/// (before the loop) and dropout, two streams of our own the order of rows and the premises. Same seed, data and threads: same
/// weights.
/// </summary>
public sealed class TrainingLoop
{
    // The loss is read from the device only so often: each reading waits for everything before it.
    private const int StepsBetweenReadings = 20;

    private readonly MultiTaskNetwork network;
    private readonly Snapshot data;
    private readonly TrainingOptions options;
    private readonly TimeProvider clock;
    private readonly Device device;
    private readonly int[] trainingRows;
    private readonly int[] validationRows;
    private readonly AmountModel? amount;
    private readonly int batchSize;

    public TrainingLoop(MultiTaskNetwork network, Snapshot data, TrainingOptions options, TimeProvider clock)
    {
        (this.network, this.data, this.options, this.clock) = (network, data, options, clock);
        device = torch.device(options.Device);
        var calibrationRows = data.RowsOf(Split.Calibration);
        validationRows = options.WholeValidation ? [.. data.RowsOf(Split.Validation), .. calibrationRows] : data.RowsOf(Split.Validation);
        trainingRows = data.RowsOf(Split.Train);
        // The batch of the training that chose the epochs, so that a refit takes steps of the same size.
        batchSize = options.BatchFor(trainingRows.Length);
        trainingRows = options.Refit ? [.. trainingRows, .. data.RowsOf(Split.Validation), .. calibrationRows] : trainingRows;
        amount = network.PredictsAmount ? AmountModel.Fit(data, trainingRows, network.Objective.AmountScale) : null;
    }

    /// <exception cref="TrainingDivergedException">The loss stopped being a number.</exception>
    /// <exception cref="InputException">A refit would end before the curriculum's floor.</exception>
    /// <exception cref="OperationCanceledException">Asked for between two batches.</exception>
    public TrainingRun Run(Action<TrainingProgress> report, CancellationToken cancellationToken)
    {
        var floor = network.Curriculum?.EpochOfFloor ?? 0;
        if (options.Refit && options.Epochs <= floor)
        {
            throw new InputException($"A refit of {options.Epochs} epochs would end while labels are still shown; give at least {floor + 1} epochs, or a curriculum that ends sooner.");
        }

        var shuffle = new Statistics.RandomStream(options.Seed, "shuffle");
        var stopping = new EarlyStopping(options.Patience, floor, options.StopOn == StoppingMeasure.Auc);
        var pace = new TrainingPace(clock, trainingRows.Length);
        using var best = new KeptWeights(network);
        using var step = new TrainingStep(network, data, options, amount, (double)trainingRows.Length / batchSize);
        var epochs = new List<EpochMetrics>();

        for (var epoch = 0; epoch < options.Epochs && (options.Refit || epoch == 0 || !stopping.ShouldStop); epoch++)
        {
            if (epoch == floor)
            {
                // A mean that looks back must not see the steps to which labels were shown.
                step.Averaged?.Restart();
            }

            shuffle.Shuffle(trainingRows.AsSpan());
            var last = LastEpoch(stopping, epoch);
            pace.Start();
            var trainingLoss = TrainEpoch(epoch, step, samples => report(pace.At(epoch, last, samples)), cancellationToken);
            pace.Stop();
            epochs.Add(step.Averaged is { } averaged ? averaged.Lend(Judged) : Judged());
            report(pace.At(epoch, LastEpoch(stopping, epoch), trainingRows.Length) with { Finished = epochs[^1] });

            EpochMetrics Judged()
            {
                var metrics = Validated(epoch, trainingLoss, cancellationToken);
                if (stopping.Add(Measure(metrics)) || options.Refit)
                {
                    best.Keep();
                }

                return metrics;
            }
        }

        best.Restore();
        network.eval();
        return new TrainingRun(epochs, options.Refit ? epochs.Count : stopping.BestEpoch + 1, trainingRows.Length, pace.Spent, Smeared(cancellationToken));
    }

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
    private double TrainEpoch(int epoch, TrainingStep step, Action<long> seen, CancellationToken cancellationToken)
    {
        network.train();
        step.Begin();
        var steps = 0;
        for (var start = 0; start < trainingRows.Length; start += batchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var rows = trainingRows.AsSpan(start, Math.Min(batchSize, trainingRows.Length - start));
            step.Take(rows, epoch + (double)start / trainingRows.Length);
            if (++steps % StepsBetweenReadings == 0)
            {
                MustBeFinite(step.Losses, epoch);
                seen(start + rows.Length);
            }
        }

        return MustBeFinite(step.Losses, epoch) / steps;
    }

    private double MustBeFinite(double sum, int epoch) => double.IsFinite(sum)
        ? sum
        : throw new TrainingDivergedException(FormattableString.Invariant(
            $"The loss stopped being a number in epoch {epoch + 1} at learning rate {options.LearningRate}; choose a smaller one."));
}
