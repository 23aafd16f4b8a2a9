using System.Globalization;
using Pimm.Core.Datasets;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Statistics;

namespace Pimm.Core.Training;

/// <summary>One task among the test rows of a slice.</summary>
/// <param name="Auc">Null below <see cref="SliceMetrics.FewestPositives"/> positives or negatives: too few.</param>
/// <param name="Calibration">Mean predicted / mean observed, without a calibrator; null below so many positives.</param>
public sealed record SliceTask(string Name, long Positives, double? Auc, double? Calibration);

/// <summary>The test rows that have one value of a field: does the model serve them as it serves all?</summary>
/// <param name="Field">A feature's column.</param>
/// <param name="Value">A category, a bin's bounds, or "missing or rare".</param>
/// <param name="Tasks">One entry a task.</param>
public sealed record SliceMetrics(string Field, string Value, long Rows, IReadOnlyList<SliceTask> Tasks)
{
    /// <summary>Fewer positives, or negatives, than these say nothing about an AUC.</summary>
    public const int FewestPositives = 20;

    private const int UsualFields = 3;
    private const int MostIds = 64;
    private const string Unknown = "missing or rare";

    /// <summary>The fields to slice by: those named, or else the first three categorical ones with 2 to 8 categories.</summary>
    /// <exception cref="InputException">A named column is no feature or has too many values.</exception>
    public static IReadOnlyList<int> Fields(FeatureMap map, IReadOnlyList<string>? named) => named is null
        ? [.. Enumerable.Range(0, map.Fields.Count).Where(field => map.Fields[field] is { Kind: FieldKind.Categorical, Vocabulary.Count: >= 2 and <= 8 }).Take(UsualFields)]
        : [.. named.Select(name => Named(map, name)).Distinct()];

    /// <param name="rows">The test rows, in the predictions' order.</param>
    /// <returns>Field by field, value by value; values without a test row are left out.</returns>
    public static IReadOnlyList<SliceMetrics> Of(Snapshot data, int[] rows, Predictions predictions, IReadOnlyList<int> fields)
    {
        float[][] probabilities = [.. predictions.Tasks.Select((_, task) => predictions.ProbabilitiesOf(task))];
        byte[][] labels = [.. predictions.Tasks.Select((_, task) => predictions.LabelsOf(task))];
        return [.. from field in fields
                   from slice in Enumerable.Range(0, rows.Length).GroupBy(place => data.Ids(rows[place], 1)[field]).OrderBy(slice => slice.Key)
                   let places = slice.ToArray()
                   select new SliceMetrics(
                       data.FieldNames[field], ValueOf(data.FeatureMap.Fields[field], slice.Key), places.Length,
                       [.. predictions.Tasks.Select((name, task) => Task(name, Taken(labels[task], places), Taken(probabilities[task], places)))])];
    }

    private static SliceTask Task(string name, byte[] labels, float[] probabilities)
    {
        long positives = labels.AsSpan().Count((byte)1);
        var enough = positives >= FewestPositives;
        return new(
            name, positives,
            enough && labels.Length - positives >= FewestPositives ? RankingMetrics.Auc(labels, probabilities) : null,
            enough ? Statistics.Calibration.Of(labels, probabilities).Ratio : null);
    }

    private static T[] Taken<T>(T[] values, int[] places) => [.. places.Select(place => values[place])];

    private static int Named(FeatureMap map, string name)
    {
        var field = Enumerable.Range(0, map.Fields.Count).Where(field => map.Fields[field].Name == name).DefaultIfEmpty(-1).First();
        return field < 0
            ? throw new InputException($"--slice {name} is no feature of the model; there are {string.Join(", ", map.Fields.Select(known => known.Name))}.")
            : map.Fields[field].VocabularySize <= MostIds
                ? field
                : throw new InputException(FormattableString.Invariant($"--slice {name} has {map.Fields[field].VocabularySize} values; at most {MostIds} can be told apart: choose another column."));
    }

    private static string ValueOf(FeatureField field, int id)
    {
        if (id == 0)
        {
            return Unknown;
        }

        if (field.Kind == FieldKind.Categorical)
        {
            return field.Vocabulary[id - 1];
        }

        var (below, above) = (id - 2, id - 1);
        return (below >= 0, above < field.Edges.Count) switch
        {
            (false, false) => "any number",
            (false, true) => $"below {Text(field.Edges[above])}",
            (true, false) => $"{Text(field.Edges[below])} and above",
            _ => $"{Text(field.Edges[below])} to below {Text(field.Edges[above])}",
        };
    }

    private static string Text(double edge) => edge.ToString("G6", CultureInfo.InvariantCulture);
}
