using Pimm.Core.Datasets;

namespace Pimm.Core.Training;

/// <summary>A training that can run in a process of its own: everything in it can be written down.</summary>
/// <param name="Rows">a delimited file with the features, the tasks and <paramref name="Time"/></param>
/// <param name="Features">columns that the network sees</param>
/// <param name="Tasks">label columns in funnel order</param>
/// <param name="Time">the oldest 80 % by this column train, the newest 20 % test</param>
/// <param name="Out">folder of the trained model</param>
/// <param name="Packed">file of the packed rows, removed at the end; null: a temporary one</param>
/// <param name="HalfBatch">train with half the batch that settings and rows give: memory ran out with the whole one</param>
public sealed record RowsTraining(
    string Rows, IReadOnlyList<string> Features, IReadOnlyList<string> Tasks, string Time, string Network,
    IReadOnlyDictionary<string, string> Settings, ulong Seed, int? Threads, string Device, string Out,
    IReadOnlyList<string>? AllowLeak = null, string? Packed = null, RowsCheckpoints? Checkpoints = null, bool HalfBatch = false);

/// <summary>Where a training in a process of its own keeps its checkpoints.</summary>
/// <param name="Fence">of the attempt</param>
/// <param name="Interval">between two within an epoch</param>
/// <param name="Resume">go on from those of attempts before</param>
public sealed record RowsCheckpoints(string Folder, long Fence, TimeSpan Interval, bool Resume);

/// <summary>Packs rows and trains on them: file → dataset → network → folder.</summary>
public sealed class TrainRows(TrainModel trainModel)
{
    // Packing takes about a tenth of a training's time.
    private const double PackingShare = 0.1;

    /// <exception cref="InputException">rows or settings cannot be used, or the loss stopped being a number</exception>
    /// <exception cref="OperationCanceledException">it was asked to stop</exception>
    public TrainedModel Run(RowsTraining training, Action<TrainingNews> tell, TrainingStop stop)
    {
        var packing = new Reporter(p => tell(new TrainingNews(new RowsTrainingProgress(PackingShare * p.Share, $"packing rows: {p.Step}"))));
        var dataset = DatasetBuilder.FromFile(OptionsOf(training), packing, stop.Token);
        try
        {
            using var snapshot = dataset.Snapshot;
            var options = new TrainingOptions { Seed = training.Seed, Threads = training.Threads, Device = training.Device };
            var settings = training.HalfBatch ? WithHalfTheBatch(training.Settings, options, snapshot) : training.Settings;
            var plan = PlanOf(training.Checkpoints, tell);
            stop.Begin(plan);
            var model = trainModel.Run(new TrainingRequest(training.Network, settings, options), snapshot, plan, p => tell(p.Note is { } note ? new TrainingNews(Warning: note) : new TrainingNews(Of(p))), stop.Token);
            model.Save(training.Out);
            return model;
        }
        finally
        {
            if (training.Packed is { } packed)
            {
                File.Delete(packed);
            }
        }
    }

    private static DatasetOptions OptionsOf(RowsTraining training) => new()
    {
        Data = training.Rows, Tasks = training.Tasks, Features = training.Features, Time = training.Time, Seed = training.Seed,
        AllowLeak = training.AllowLeak ?? [], SnapshotPath = training.Packed,
    };

    private static CheckpointPlan? PlanOf(RowsCheckpoints? checkpoints, Action<TrainingNews> tell) => checkpoints is null ? null :
        new(new CheckpointFolder(checkpoints.Folder, checkpoints.Fence), checkpoints.Interval)
        {
            Resume = checkpoints.Resume,
            Written = file => tell(new TrainingNews(Checkpoint: file)),
            Resumed = note => tell(new TrainingNews(Note: note)),
            Chosen = note => tell(new TrainingNews(Note: note)),
            Unusable = warning => tell(new TrainingNews(Warning: warning)),
        };

    private static Dictionary<string, string> WithHalfTheBatch(IReadOnlyDictionary<string, string> given, TrainingOptions options, Snapshot snapshot)
    {
        var settings = new Dictionary<string, string>(given, StringComparer.OrdinalIgnoreCase);
        var batch = options.Taking(new Dictionary<string, string>(settings, StringComparer.OrdinalIgnoreCase)).BatchFor(snapshot.RowsOf(Split.Train).Length);
        settings["batch"] = FormattableString.Invariant($"{Math.Max(1, batch / 2)}");
        return settings;
    }

    private static RowsTrainingProgress Of(TrainingProgress progress)
    {
        var epochs = progress.Epoch - 1 + ((double)progress.Samples / progress.SamplesInEpoch);
        var remaining = progress.Remaining is { } time ? $", at least {time:m\\:ss} to go" : "";
        return new RowsTrainingProgress(
            PackingShare + ((1 - PackingShare) * epochs / progress.LastEpoch),
            FormattableString.Invariant($"epoch {progress.Epoch} of {progress.LastEpoch} or more, {progress.SamplesPerSecond:N0} rows/s{remaining}"), progress.SamplesPerSecond);
    }

    private sealed class Reporter(Action<DatasetProgress> report) : IProgress<DatasetProgress>
    {
        public void Report(DatasetProgress value) => report(value);
    }
}
