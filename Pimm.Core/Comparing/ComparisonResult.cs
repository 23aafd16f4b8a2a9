using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pimm.Core.Datasets;
using Pimm.Core.Statistics;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>One task of one model. Means and deviations are over its trainings; what a training has not, counts for none.</summary>
/// <param name="AucStd">sample standard deviation over trainings; null with one training</param>
/// <param name="Auc">one a training: splits in order, the seeds of each within; null where the test rows have one class</param>
/// <param name="CalibrationMean">predicted / observed</param>
/// <param name="CalibratedEceMean">after the post-hoc calibrator; null where it was not fitted</param>
/// <param name="ConditionalAucMean">over the rows that reached the stage before; null for the first task</param>
/// <param name="CaptureAtDecileMean">share of the positives among the tenth of rows with the highest scores</param>
/// <param name="ExpectedAucMean">against the true probabilities, where the data says them</param>
public sealed record TaskResult(
    string Name, double? AucMean, double? AucStd, IReadOnlyList<double?> Auc, double LogLossMean, double? CalibrationMean, double EceMean,
    double? CalibratedCalibrationMean, double? CalibratedEceMean, double? ConditionalAucMean, double? CaptureAtDecileMean, double? LiftAtDecileMean,
    double? ExpectedAucMean, double? ExpectedAucStd);

/// <summary>One row of the comparison.</summary>
/// <param name="EqualTo">the model whose numbers these are because both are the same function; null: its own</param>
/// <param name="OrderViolationsMean">share of test rows where a later stage's probability is above an earlier one's</param>
/// <param name="SecondsMean">a training with its validations</param>
/// <param name="ValidationLossMean">the kept epochs' log losses, summed over tasks, and the amount's error where one is predicted</param>
/// <param name="Training">how it was trained; the seed is the first training's</param>
/// <param name="Settings">every setting of the network in force</param>
/// <param name="Rates">mean validation loss of each learning rate swept; empty without a sweep</param>
public sealed record ModelResult(
    string Model, string? EqualTo, IReadOnlyList<TaskResult> Tasks, long Parameters, double SamplesPerSecond, double LearningRate,
    double OrderViolationsMean, double BestEpochMean, double SecondsMean, double ValidationLossMean, TrainingOptions Training,
    IReadOnlyDictionary<string, string> Settings, IReadOnlyDictionary<string, double> Rates, AmountResult? Amount);

/// <summary>How well amounts were predicted, on the raw scale; means over trainings.</summary>
/// <param name="RmseOfMean">of predicting the training rows' mean</param>
/// <param name="RmseGain">RMSE of the training mean − RMSE, by the corrected resampled t-test over splits; null with one split</param>
public sealed record AmountResult(
    double RmseMean, double RmseOfMean, double MaeMean, double MaeOfMean, double? SpearmanMean, CorrectedResampledTest? RmseGain, CorrectedResampledTest? MaeGain);

/// <summary>What the true probabilities would have reached on the first split's test rows.</summary>
/// <param name="Auc">on the labels as drawn</param>
/// <param name="ExpectedAuc">over the labels that could have been drawn: the ceiling</param>
public sealed record Ceiling(string Task, double? Auc, double? ExpectedAuc);

/// <summary>A comparison's outcome: what <c>pimm compare --json</c> prints.</summary>
/// <param name="Threads">of each training; <paramref name="Lanes"/> of them ran at a time</param>
/// <param name="Version">of the code that trained; several where some results are older</param>
/// <param name="Best">the model with the highest mean AUC of each task</param>
public sealed record ComparisonResult(
    string Data, string Sha256, DatasetOptions Options, RowCounts Rows, int Splits, int Seeds, int Lanes, int? Threads, IReadOnlyList<string> Tasks,
    IReadOnlyList<ModelResult> Models, IReadOnlyDictionary<string, string> Best, IReadOnlyList<Significance> Significance, IReadOnlyList<Ceiling> Ceiling,
    IReadOnlyList<ModelFigures> Figures, string Version)
{
    public static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public ModelResult Candidate => Models[0];

    internal static ComparisonResult Of(
        ComparisonRequest request, DataSource source, IReadOnlyList<PackedSplit> splits, IReadOnlyDictionary<string, SweptRate> rates,
        IReadOnlyList<(TrainingCell Cell, CellResult Result)> trained, CancellationToken cancellationToken)
    {
        var truth = TestTruth.OfAll(splits.Select(split => split.Path));
        var byModel = trained.ToLookup(pair => pair.Cell.Model, pair => (pair.Cell, pair.Result));
        var models = new List<ModelResult>();
        foreach (var model in request.Models)
        {
            var equal = model.EqualIn(request.Models);
            var trainings = byModel[(equal ?? model).Name].ToArray();
            models.Add(ModelResults.Of(model.Name, equal?.Name, rates[(equal ?? model).Name], trainings, truth));
        }

        var first = trained[0].Result.Model;
        var figures = byModel.Select(model => ModelFigures.Of(model.Key, model.First().Result, truth[0]));
        return new ComparisonResult(
            source.File, source.Sha256, source.Options, first.Rows, request.Splits, request.Seeds, request.Lanes, first.Training.Threads, first.Tasks,
            models, BestOf(first.Tasks, models), Significances.Of(request, first, models, truth[0], byModel, cancellationToken), truth[0].Ceilings(first.Tasks),
            [.. figures], string.Join(", ", trained.Select(pair => pair.Result.Model.Version).Distinct()));
    }

    private static Dictionary<string, string> BestOf(IReadOnlyList<string> tasks, List<ModelResult> models)
    {
        var best = new Dictionary<string, string>();
        for (var task = 0; task < tasks.Count; task++)
        {
            if (models.Where(model => model.EqualTo is null && model.Tasks[task].AucMean is not null).MaxBy(model => model.Tasks[task].AucMean) is { } leader)
            {
                best.Add(tasks[task], leader.Model);
            }
        }

        return best;
    }
}
