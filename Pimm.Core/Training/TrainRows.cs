using System.Text.Json;
using Pimm.Core.Datasets;

namespace Pimm.Core.Training;

/// <summary>A training that can run in a process of its own: everything in it can be written down.</summary>
/// <param name="Rows">a delimited file with the features, the tasks and <paramref name="Time"/></param>
/// <param name="Features">columns that the network sees</param>
/// <param name="Tasks">label columns in funnel order</param>
/// <param name="Time">the oldest 80 % by this column train, the newest 20 % test</param>
/// <param name="Out">folder of the trained model</param>
public sealed record RowsTraining(
    string Rows, IReadOnlyList<string> Features, IReadOnlyList<string> Tasks, string Time, string Network,
    IReadOnlyDictionary<string, string> Settings, ulong Seed, int? Threads, string Device, string Out,
    IReadOnlyList<string>? AllowLeak = null);

/// <summary>How far a training in a process of its own is: one JSON line each on its stdout.</summary>
public sealed record RowsTrainingProgress(double Share, string Message)
{
    public string ToJson() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);

    public static RowsTrainingProgress? FromJson(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<RowsTrainingProgress>(line, JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Packs rows and trains on them: file → dataset → network → folder.</summary>
public sealed class TrainRows(TrainModel trainModel)
{
    // Packing takes about a tenth of a training's time.
    private const double PackingShare = 0.1;

    public TrainedModel Run(RowsTraining training, Action<RowsTrainingProgress> report, CancellationToken cancellationToken)
    {
        var options = new DatasetOptions
        {
            Data = training.Rows, Tasks = training.Tasks, Features = training.Features, Time = training.Time, Seed = training.Seed,
            AllowLeak = training.AllowLeak ?? [],
        };
        var packing = new Reporter(p => report(new RowsTrainingProgress(PackingShare * p.Share, $"packing rows: {p.Step}")));
        var dataset = DatasetBuilder.FromFile(options, packing, cancellationToken);
        using var snapshot = dataset.Snapshot;
        var request = new TrainingRequest(training.Network, training.Settings, new TrainingOptions
        {
            Seed = training.Seed, Threads = training.Threads, Device = training.Device,
        });
        var model = trainModel.Run(request, snapshot, p => report(Of(p)), cancellationToken);
        model.Save(training.Out);
        return model;
    }

    private static RowsTrainingProgress Of(TrainingProgress progress)
    {
        var epochs = progress.Epoch - 1 + ((double)progress.Samples / progress.SamplesInEpoch);
        var remaining = progress.Remaining is { } time ? $", at least {time:m\\:ss} to go" : "";
        return new RowsTrainingProgress(
            PackingShare + ((1 - PackingShare) * epochs / progress.LastEpoch),
            FormattableString.Invariant($"epoch {progress.Epoch} of {progress.LastEpoch} or more, {progress.SamplesPerSecond:N0} rows/s{remaining}"));
    }

    private sealed class Reporter(Action<DatasetProgress> report) : IProgress<DatasetProgress>
    {
        public void Report(DatasetProgress value) => report(value);
    }
}
