using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pimm.Core.Training;

/// <summary>How many rows went where.</summary>
public sealed record RowCounts(long Train, long Validation, long Test, long Calibration = 0);

/// <summary>
/// Everything that is known about a trained model but its weights and its feature map: the content of <c>model.json</c>.
/// Numbers are full doubles, names camelCase; what is absent is null.
/// </summary>
/// <param name="Format">Version of this layout; 1.</param>
/// <param name="Model">The kind of network, a name of the catalogue.</param>
/// <param name="Settings">Every setting of the network in force, the ambiguity register's points included.</param>
/// <param name="VocabularySizes">F sizes, the feature map's.</param>
/// <param name="Tasks">Label columns in funnel order.</param>
/// <param name="Seed">Decided weights, dropout, order, premises and, on a file, the split.</param>
/// <param name="Training">How it was trained, the batch in force filled in.</param>
/// <param name="EpochsTrained">Finished epochs; the clock of the premise's curriculum.</param>
/// <param name="BestEpoch">From 1; the weights are this epoch's.</param>
/// <param name="Epochs">One entry an epoch trained.</param>
/// <param name="Test">One entry a task, on rows touched once, after everything was chosen.</param>
/// <param name="OrderViolations">Share of test rows where a later stage's probability is above an earlier one's.</param>
/// <param name="Seconds">The whole run, reading the file left out.</param>
/// <param name="SamplesPerSecond">Training rows a second, validation left out.</param>
/// <param name="Version">The code's version.</param>
public sealed record ModelDescription(
    int Format,
    string Model,
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyList<int> VocabularySizes,
    IReadOnlyList<string> Tasks,
    ulong Seed,
    TrainingOptions Training,
    RowCounts Rows,
    long Parameters,
    int EpochsTrained,
    int BestEpoch,
    IReadOnlyList<EpochMetrics> Epochs,
    IReadOnlyList<TaskMetrics> Test,
    double OrderViolations,
    double Seconds,
    double SamplesPerSecond,
    string Version)
{
    /// <summary>One entry a task, fitted on the calibration part; null in a model of before there were any.</summary>
    public IReadOnlyList<TaskCalibrator>? Calibrators { get; init; }

    /// <summary>Predicted and observed rates of the test rows, one entry a task; null in an older model.</summary>
    public IReadOnlyList<CalibrationCurve>? Curves { get; init; }

    /// <summary>The test metrics by the values of some fields; null in an older model.</summary>
    public IReadOnlyList<SliceMetrics>? Slices { get; init; }

    /// <summary>The rows it was made from; null in an older model.</summary>
    public DataFacts? Data { get; init; }

    /// <summary>Of the weights' file, lower-case hexadecimal: a bit that changed on the way is noticed; null in an older model.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>Where it was trained; null in an older model.</summary>
    public EnvironmentFacts? Environment { get; init; }

    /// <summary>How the amount was learned and is read back; null where the network predicts none.</summary>
    public AmountModel? Amount { get; init; }

    /// <summary>The amount on the test rows; null where the network predicts none.</summary>
    public AmountMetrics? AmountTest { get; init; }

    /// <summary>Test rows a row that was trained on, as the corrected resampled t-test wants it.</summary>
    [JsonIgnore]
    public double TestToTrain => (double)Rows.Test / (Training.Refit ? Rows.Train + Rows.Validation + Rows.Calibration : Rows.Train);

    /// <summary>The layout this code writes, and the newest it reads.</summary>
    public const int CurrentFormat = 1;

    internal static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The calibrators, one a task, of which at least one was fitted.</summary>
    /// <exception cref="InputException">None was fitted.</exception>
    public IReadOnlyList<TaskCalibrator> FittedCalibrators() => Calibrators switch
    {
        null => throw new InputException("The model was trained before there were calibrators; train it again, or score without --calibrated."),
        var all when all.All(task => task.Calibrator is null) => throw new InputException(
            $"The model has no calibrator ({string.Join("; ", all.Select(task => $"{task.Name} {task.Note}"))}); score without --calibrated, or train on more rows."),
        var all => all,
    };

    /// <summary>What a scored row holds: the tasks' probabilities and, where one is predicted, the amount.</summary>
    public IReadOnlyList<string> ScoreNames() => Amount is null ? Tasks : [.. Tasks, "amount"];

    public string ToJson() => JsonSerializer.Serialize(this, Layout);

    /// <exception cref="InputException">The text is no description of a model, or of a newer layout.</exception>
    public static ModelDescription FromJson(string json)
    {
        try
        {
            var description = JsonSerializer.Deserialize<ModelDescription>(json, Layout);
            return description switch
            {
                null or { Model: null } or { VocabularySizes: null } or { Tasks: null } or { Settings: null } =>
                    throw new InputException("The model's model.json lacks its kind, settings, vocabularies or tasks; train the model again."),
                { Format: > CurrentFormat } => throw new InputException(
                    $"The model's model.json is of format {description.Format}; this version reads up to {CurrentFormat}: use a newer one."),
                _ => description,
            };
        }
        catch (JsonException damage)
        {
            throw new InputException($"The model's model.json is not valid JSON (line {damage.LineNumber + 1}); train the model again.", damage);
        }
    }
}
