using Pimm.Core.Statistics;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>Whether the candidate's AUC differs from a baseline's.</summary>
/// <param name="Difference">AUC of <paramref name="Model"/> − that of <paramref name="Against"/>: the mean over trainings, in the
/// bootstrap that of the mean predictions</param>
/// <param name="P">two-sided, of this pair alone</param>
/// <param name="PHolm">adjusted by Holm over all baselines of the same task and test</param>
/// <param name="Test">a constant of <see cref="Significances"/>: what kind of chance the p is about</param>
/// <param name="Note">why it supports no claim; null where it may</param>
public sealed record Significance(
    string Task, string Model, string Against, double Difference, double Lower, double Upper, double P, double PHolm, string Test, string? Note);

/// <summary>The candidate against every baseline, by every test that the trainings allow.</summary>
public static class Significances
{
    /// <summary>Over random splits: about models trained on other rows of the same kind (<see cref="CorrectedResampledTest"/>).</summary>
    public const string OverSplits = "corrected-resampled-t";

    /// <summary>Over the first split's test customers (rows, where the data names none): about these weights, or the mean prediction of
    /// several seeds, on other customers (<see cref="AucBootstrap"/>).</summary>
    public const string OverCustomers = "paired-bootstrap";

    /// <summary>Over seeds on one split: about another seed on the same rows. It says nothing about other customers.</summary>
    public const string OverSeeds = "training-noise-t";

    private const int FewestReplicates = 80;
    private const int MostDraws = 40_000_000;

    internal static IReadOnlyList<Significance> Of(
        ComparisonRequest request, ModelDescription first, IReadOnlyList<ModelResult> models, TestTruth truth,
        ILookup<string, (TrainingCell Cell, CellResult Result)> trained, CancellationToken cancellationToken)
    {
        var all = new List<Significance>();
        ModelResult[] baselines = [.. models.Skip(1).Where(model => model.EqualTo is null)];
        if (models[0].EqualTo is not null || baselines.Length == 0)
        {
            return all;
        }

        var mean = models.Where(model => model.EqualTo is null).Select(model => MeanPredictions(trained[model.Model])).ToArray();
        for (var task = 0; task < first.Tasks.Count; task++)
        {
            if (models.Any(model => model.Tasks[task].Auc.Contains(null)))
            {
                continue;
            }

            all.AddRange(OverTrainings(request.Splits, request.Seeds, first.TestToTrain, models, task));
            float[][] scores = [.. mean.Select(predictions => TestTruth.Column(predictions, task, first.Tasks.Count))];
            all.AddRange(Customers(truth, scores, models[0], baselines, task, request.Seeds, cancellationToken));
        }

        return all;
    }

    /// <summary>By the spread between splits where there are several, else between seeds; nothing with one training a model.</summary>
    public static IEnumerable<Significance> OverTrainings(int splits, int seeds, double testToTrain, IReadOnlyList<ModelResult> models, int task)
    {
        ModelResult[] baselines = [.. models.Skip(1).Where(model => model.EqualTo is null)];
        if (splits * seeds < 2)
        {
            return [];
        }

        var (test, ratio, each, note) = splits > 1
            ? (OverSplits, testToTrain, seeds, splits >= ComparisonRequest.SplitsForAClaim ? null : $"{splits} splits; a claim needs {ComparisonRequest.SplitsForAClaim}")
            : (OverSeeds, 0, 1, "training noise on one split; it says nothing about other customers");
        return Adjusted(models[0], baselines, task, test, note, baseline =>
        {
            var differences = Means(models[0], task, each).Zip(Means(baseline, task, each), (mine, other) => mine - other).ToArray();
            var outcome = CorrectedResampledTest.Of(differences, ratio);
            return (outcome.Mean, outcome.Lower, outcome.Upper, outcome.PValue);
        });
    }

    private static IEnumerable<Significance> Customers(TestTruth truth, float[][] scores, ModelResult candidate, ModelResult[] baselines, int task,
        int seeds, CancellationToken cancellationToken)
    {
        // The smallest p is 2/(B + 1): after Holm over all baselines it must still be able to be small.
        var fewest = FewestReplicates * baselines.Length;
        var replicates = Math.Clamp(MostDraws / Math.Max(truth.Labels[task].Length, 1), fewest, Math.Max(fewest, AucBootstrap.DefaultReplicates));
        var bootstrap = AucBootstrap.Of(truth.Labels[task], scores, truth.Customers, replicates: replicates, cancellationToken: cancellationToken);
        var note = seeds == 1 ? "these weights on other customers" : $"the mean prediction of {seeds} seeds on other customers";
        return bootstrap is null ? [] : Adjusted(candidate, baselines, task, OverCustomers, note, baseline =>
        {
            var difference = bootstrap.Difference(0, 1 + Array.IndexOf(baselines, baseline));
            return difference is null ? (0, 0, 0, 1) : (difference.Difference, difference.Lower, difference.Upper, difference.PValue);
        });
    }

    private static IEnumerable<Significance> Adjusted(
        ModelResult candidate, ModelResult[] baselines, int task, string test, string? note,
        Func<ModelResult, (double Difference, double Lower, double Upper, double P)> of)
    {
        var outcomes = baselines.Select(of).ToArray();
        var adjusted = Multiplicity.Holm([.. outcomes.Select(outcome => outcome.P)]);
        return baselines.Select((baseline, at) => new Significance(
            candidate.Tasks[task].Name, candidate.Model, baseline.Model, outcomes[at].Difference, outcomes[at].Lower, outcomes[at].Upper,
            outcomes[at].P, adjusted[at], test, note));
    }

    private static IEnumerable<double> Means(ModelResult model, int task, int trainings) =>
        model.Tasks[task].Auc.Chunk(trainings).Select(split => split.Average()!.Value);

    /// <summary>Over the seeds of the first split.</summary>
    private static float[] MeanPredictions(IEnumerable<(TrainingCell Cell, CellResult Result)> trainings)
    {
        var predictions = trainings.Where(training => training.Cell.SplitNumber == 1).Select(training => training.Result.Predictions()).ToArray();
        var mean = new float[predictions[0].Length];
        for (var at = 0; at < mean.Length; at++)
        {
            mean[at] = predictions.Average(values => values[at]);
        }

        return mean;
    }
}
