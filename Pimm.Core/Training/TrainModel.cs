using System.Reflection;
using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using TorchSharp;

namespace Pimm.Core.Training;

/// <summary>What to train.</summary>
/// <param name="Model">A name of <see cref="NetworkCatalog"/>.</param>
/// <param name="Settings">The network's settings that differ from their defaults, and those of training (<see cref="TrainingOptions.Taking"/>).</param>
/// <param name="Slices">Columns by whose values the test metrics are split; null: up to three are chosen.</param>
public sealed record TrainingRequest(
    string Model, IReadOnlyDictionary<string, string> Settings, TrainingOptions Options, IReadOnlyList<string>? Slices = null);

/// <summary>Trains a model on a snapshot: check → create → train → calibrate → test once → describe. Writes nothing.</summary>
public sealed class TrainModel(TimeProvider clock)
{
    /// <param name="data">Its training rows are learned from, its validation rows choose, its calibration rows fit the calibrators (a refit learns from all three), its test rows are touched once.</param>
    /// <exception cref="InputException">The request or the data cannot be used.</exception>
    /// <exception cref="OperationCanceledException">Asked for between two batches.</exception>
    public TrainedModel Run(TrainingRequest request, Snapshot data, Action<TrainingProgress> report, CancellationToken cancellationToken) =>
        Run(request, data, null, report, cancellationToken);

    /// <summary>As above, with checkpoints where there is a plan for them: written on the way, gone on from where it says so.</summary>
    /// <exception cref="InputException">As above, or a checkpoint is of another training and the plan refuses those.</exception>
    /// <exception cref="OperationCanceledException">As above, or the plan asked for the end.</exception>
    public TrainedModel Run(
        TrainingRequest request, Snapshot data, CheckpointPlan? plan, Action<TrainingProgress> report, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>(request.Settings, StringComparer.OrdinalIgnoreCase);
        var rows = Rows(data);
        var slices = SliceMetrics.Fields(data.FeatureMap, request.Slices);
        var given = request.Options.Taking(settings);
        var options = given with { Batch = given.BatchFor(rows.Train), Threads = given.Threads ?? Environment.ProcessorCount };

        var started = clock.GetTimestamp();
        var device = UsableDevice(options.Device);
        torch.backends.cuda.matmul.allow_tf32 = options.Tf32;
        torch.set_num_threads(options.Threads.Value);
        torch.manual_seed(unchecked((long)options.Seed));
        var (network, inForce) = NetworkCatalog.Create(request.Model, new NetworkShape(data.VocabularySizes, data.TaskNames.Count, data.HasAmounts), settings);
        using (network)
        {
            network.to(device);
            options = options with { Threads = given.Threads ?? Threads(network, options, rows.Train, plan) };
            torch.set_num_threads(options.Threads.Value);
            var checkpoints = plan is null
                ? null
                : new TrainingCheckpoints(plan, CheckpointKey.Of(request.Model, inForce, options, data.Sha256, CodeVersion), clock);
            var run = new TrainingLoop(network, data, options, clock).Run(checkpoints, report, cancellationToken);
            var calibrators = options.Refit || options.WholeValidation
                ? TaskCalibrator.None(data.TaskNames, options.Refit ? "every row but the test rows was trained on" : "every validation row chose the epoch")
                : TaskCalibrator.Fit(ModelEvaluation.Predict(network, device, data, data.RowsOf(Split.Calibration), cancellationToken));
            var test = ModelEvaluation.Predict(network, device, data, data.RowsOf(Split.Test), cancellationToken);
            var description = Described(test, calibrators, data, slices, new(
                ModelDescription.CurrentFormat, network.Kind, inForce, data.VocabularySizes, data.TaskNames, options.Seed, options, rows,
                network.ParameterCount, run.Epochs.Count, run.BestEpoch, run.Epochs, [], test.OrderViolations,
                (run.TimeBefore + clock.GetElapsedTime(started)).TotalSeconds, (double)run.Epochs.Count * run.TrainedRows / Math.Max(run.TrainingTime.TotalSeconds, 1e-9), CodeVersion)) with
            {
                Amount = run.Amount,
                AmountTest = run.Amount is { } amount && test.Amounts is { } amounts ? AmountMetrics.Of(amount, amounts) : null,
            };
            var weights = WeightsFile.Write(network, description);
            return new TrainedModel(description with { WeightsSha256 = TrainedModel.HashOf(weights) }, data.FeatureMap.ToJson(), weights);
        }
    }

    private int Threads(MultiTaskNetwork network, TrainingOptions options, long rows, CheckpointPlan? plan)
    {
        // Another number adds up in another order: a training that goes on keeps its own.
        if (plan is { Resume: true } && TrainingCheckpoints.ThreadsOf(plan.Folder) is { } before)
        {
            return before;
        }

        if (network.parameters().First().device_type != DeviceType.CPU)
        {
            return Environment.ProcessorCount;
        }

        if (options.BatchFor(rows) < ThreadTrial.LeastBatch)
        {
            return 1;
        }

        if (rows < ThreadTrial.LeastRows)
        {
            return Environment.ProcessorCount;
        }

        var (threads, note) = new ThreadTrial(clock).Choose(network, options.BatchFor(rows));
        if (note is not null)
        {
            plan?.Chosen(note);
        }

        return threads;
    }

    private static ModelDescription Described(
        Predictions test, IReadOnlyList<TaskCalibrator> calibrators, Snapshot data, IReadOnlyList<int> slices, ModelDescription model) => model with
        {
            Test = TaskMetrics.Of(test, calibrators),
            Calibrators = calibrators,
            Curves = CalibrationCurve.Of(test, calibrators),
            Slices = SliceMetrics.Of(data, data.RowsOf(Split.Test), test, slices),
            Data = DataFacts.Of(data),
            Environment = EnvironmentFacts.Here(),
        };

    private static string CodeVersion =>
        typeof(TrainModel).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    private static RowCounts Rows(Snapshot data)
    {
        var rows = new RowCounts(data.RowsOf(Split.Train).Length, data.RowsOf(Split.Validation).Length, data.RowsOf(Split.Test).Length,
            data.RowsOf(Split.Calibration).Length);
        return rows is { Train: > 0, Validation: > 0, Test: > 0 }
            ? rows
            : throw new InputException(
                $"{data.Rows} rows split into {rows.Train} to train, {rows.Validation} to validate and {rows.Test} to test; each part needs rows: give more data or another --split.");
    }

    private static torch.Device UsableDevice(string name)
    {
        torch.Device device;
        try
        {
            device = torch.device(name);
        }
        catch (Exception refused) when (refused is ArgumentException or FormatException)
        {
            throw new InputException($"There is no device '{name}'; choose cpu or cuda:0.", refused);
        }

        return device.type == DeviceType.CPU || torch.cuda.is_available()
            ? device
            : throw new InputException($"The device {name} was asked for, but this libtorch finds no CUDA device; choose cpu or point TORCH_HOME to a CUDA build.");
    }
}
