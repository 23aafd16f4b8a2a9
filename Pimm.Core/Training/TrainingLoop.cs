using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using Pimm.Core.Queueing;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>What a run of the loop came to; the network then holds the kept weights.</summary>
/// <param name="Epochs">One entry an epoch trained.</param>
/// <param name="BestEpoch">From 1; the last one of a refit.</param>
/// <param name="TrainedRows">Rows of an epoch.</param>
/// <param name="TrainingTime">Spent on training steps, validation left out, by the attempts before too.</param>
/// <param name="TimeBefore">What of it the attempts before spent.</param>
/// <param name="Amount">How the amount was learned; null where the network predicts none.</param>
public sealed record TrainingRun(
    IReadOnlyList<EpochMetrics> Epochs, int BestEpoch, int TrainedRows, TimeSpan TrainingTime, TimeSpan TimeBefore, AmountModel? Amount);

/// <summary>
/// The training of one network on one snapshot, in the order it happens: shuffle → steps → validate → keep the best → stop; a refit
/// keeps the last and stops after its epochs. Everything random follows from the seed: Torch's generator gives the initial weights
/// (before the loop) and dropout, two streams of our own the order of rows and the premises. Same seed, data and threads: same
/// weights.
/// </summary>
public sealed class TrainingLoop
{
    // The loss is read from the device only so often: each reading waits for everything before it.
    private readonly int stepsBetweenReadings;

    private readonly MultiTaskNetwork network;
    private readonly Snapshot data;
    private readonly TrainingOptions options;
    private readonly TimeProvider clock;
    private readonly Device device;
    private readonly int[] trainingRows;
    private readonly int[] validationRows;
    private readonly AmountModel? amount;
    private readonly int batchSize;
    private readonly SteppingThreads? threads;

    public TrainingLoop(MultiTaskNetwork network, Snapshot data, TrainingOptions options, TimeProvider clock)
    {
        (this.network, this.data, this.options, this.clock) = (network, data, options, clock);
        device = torch.device(options.Device);
        threads = device.type == DeviceType.CPU && options.Threads is > 1 and var most && network.AnyThreads ? new(most, clock, options.Waited) : null;
        stepsBetweenReadings = device.type == DeviceType.CPU ? 20 : 100;
        var calibrationRows = data.RowsOf(Split.Calibration);
        validationRows = options.WholeValidation ? [.. data.RowsOf(Split.Validation), .. calibrationRows] : data.RowsOf(Split.Validation);
        trainingRows = data.RowsOf(Split.Train);
        // The batch of the training that chose the epochs, so that a refit takes steps of the same size.
        batchSize = options.BatchFor(trainingRows.Length);
        trainingRows = options.Refit ? [.. trainingRows, .. data.RowsOf(Split.Validation), .. calibrationRows] : trainingRows;
        amount = network.PredictsAmount ? AmountModel.Fit(data, trainingRows, network.Objective.AmountScale) : null;
    }

    /// <summary>Trains from the beginning and keeps no checkpoints.</summary>
    public TrainingRun Run(Action<TrainingProgress> report, CancellationToken cancellationToken) => Run(null, report, cancellationToken);

    /// <param name="checkpoints">Where the state is kept and where it goes on from; null: neither.</param>
    /// <exception cref="TrainingDivergedException">The loss stopped being a number.</exception>
    /// <exception cref="InputException">A refit would end before the curriculum's floor.</exception>
    /// <exception cref="OperationCanceledException">Asked for between two batches.</exception>
    internal TrainingRun Run(TrainingCheckpoints? checkpoints, Action<TrainingProgress> report, CancellationToken cancellationToken)
    {
        var floor = network.Curriculum?.EpochOfFloor ?? 0;
        if (options.Refit && options.Epochs <= floor)
        {
            throw new InputException($"A refit of {options.Epochs} epochs would end while labels are still shown; give at least {floor + 1} epochs, or a curriculum that ends sooner.");
        }

        TorchEngine.Prepare();
        using var state = new TrainingState(network, options, trainingRows, batchSize, floor);
        using var step = Steps(state, out var refusal);
        if (checkpoints?.Restore(state) == true)
        {
            step.Resume();
        }

        var before = state.Spent;
        var pace = new TrainingPace(clock, trainingRows.Length, before);
        if (refusal is not null)
        {
            report(new(state.Epoch + 1, LastEpoch(state.Stopping, state.Epoch) + 1, state.Row, trainingRows.Length, 0, null, null) { Note = refusal });
        }

        while (state.Epoch < options.Epochs && (options.Refit || state.Epoch == 0 || !state.Stopping.ShouldStop))
        {
            if (state.Row == 0)
            {
                Begin(state, step, floor);
            }

            var trainingLoss = TrainEpoch(state, step, pace, checkpoints, report, cancellationToken);
            state.Optimizer.CatchUp();
            state.EndEpoch(state.Averaged is { } averaged ? averaged.Lend(Judged) : Judged());
            report(pace.At(state.Epoch - 1, LastEpoch(state.Stopping, state.Epoch - 1), trainingRows.Length) with { Finished = state.Epochs[^1] });
            checkpoints?.Take(state);
            FaultPoint.Reach("train.epoch-done");

            EpochMetrics Judged()
            {
                var metrics = Validated(state.Epoch, trainingLoss, cancellationToken);
                if (state.Stopping.Add(Measure(metrics)) || options.Refit)
                {
                    state.Best.Keep();
                }

                return metrics;
            }
        }

        state.Best.Restore();
        network.eval();
        return new TrainingRun(state.Epochs, options.Refit ? state.Epoch : state.Stopping.BestEpoch + 1, trainingRows.Length, pace.Spent, before, Smeared(cancellationToken));
    }

    /// <param name="refusal">why the rows do not lie on the device; null where they do, or belong on the host</param>
    private TrainingStep Steps(TrainingState state, out string? refusal)
    {
        refusal = null;
        if (device.type == DeviceType.CPU && !options.Resident)
        {
            return new GatheredStep(state, data, amount, device);
        }

        var free = options.DeviceMemory ?? TorchEngine.FreeMemory(device);
        refusal = ResidentRows.Refusal(data, amount is not null, ResidentStep.DrawsOf(network), free);
        return refusal is null
            ? new ResidentStep(state, new ResidentRows(data, amount, device), options, batchSize)
            : new GatheredStep(state, data, amount, device);
    }

    private static void Begin(TrainingState state, TrainingStep step, int floor)
    {
        if (state.Epoch == floor)
        {
            // A mean that looks back must not see the steps to which labels were shown.
            state.Averaged?.Restart();
        }

        step.BeginEpoch();
        state.BeginEpoch();
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

    /// <summary>The rest of the epoch under way.</summary>
    /// <returns>The mean loss of the epoch's batches.</returns>
    private double TrainEpoch(
        TrainingState state, TrainingStep step, TrainingPace pace, TrainingCheckpoints? checkpoints, Action<TrainingProgress> report, CancellationToken cancellationToken)
    {
        var last = LastEpoch(state.Stopping, state.Epoch);
        var rows = state.Order.Length;
        network.train();
        threads?.Begin();
        pace.Start();
        while (state.Row < rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = Math.Min(batchSize, rows - state.Row);
            step.Take(count);
            state.Row += count;
            threads?.Look();
            if (state.Row / batchSize % stepsBetweenReadings == 0)
            {
                MustBeFinite(state);
                report(pace.At(state.Epoch, last, state.Row));
            }

            if (state.Row < rows && checkpoints?.IsDue(state.Row / batchSize) == true)
            {
                MustBeFinite(state);
                state.Spent = pace.Spent;
                step.Keep();
                checkpoints.Take(state);
            }
        }

        pace.Stop();
        threads?.End();
        state.Spent = pace.Spent;
        return MustBeFinite(state) / Math.Ceiling((double)rows / batchSize);
    }

    /// <returns>The sum of the epoch's losses.</returns>
    private double MustBeFinite(TrainingState state)
    {
        return state.SumOfLosses() is var sum && float.IsFinite(sum) ? sum : throw new TrainingDivergedException(FormattableString.Invariant(
            $"The loss stopped being a number in epoch {state.Epoch + 1} at learning rate {options.LearningRate}; choose a smaller one."));
    }
}
