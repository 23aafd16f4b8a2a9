using System.Text.Json.Serialization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Training;

/// <summary>How one task's probabilities are put right after training, and on what that rests.</summary>
/// <param name="Name">The task's label column.</param>
/// <param name="Rows">Rows of the calibration part: neither trained on, nor used to stop or to choose.</param>
/// <param name="Positives">Of these rows.</param>
/// <param name="Slope">On the logit, above 0; null where none was fitted.</param>
/// <param name="Intercept">Added to the scaled logit; null where none was fitted.</param>
/// <param name="Note">Why none was fitted; null where one was.</param>
public sealed record TaskCalibrator(string Name, long Rows, long Positives, double? Slope, double? Intercept, string? Note)
{
    /// <summary>Null where none was fitted.</summary>
    [JsonIgnore]
    public PlattCalibrator? Calibrator => Slope is { } slope && Intercept is { } intercept ? new(slope, intercept) : null;

    /// <param name="predictions">Of the calibration part, as at inference.</param>
    /// <returns>T entries in the tasks' order.</returns>
    public static IReadOnlyList<TaskCalibrator> Fit(Predictions predictions) =>
        [.. predictions.Tasks.Select((name, task) => Fit(name, predictions.LabelsOf(task), predictions.ProbabilitiesOf(task)))];

    /// <summary>No calibrator for any task, and why.</summary>
    /// <param name="reason">Follows "not fitted: ".</param>
    public static IReadOnlyList<TaskCalibrator> None(IReadOnlyList<string> tasks, string reason) =>
        [.. tasks.Select(task => new TaskCalibrator(task, 0, 0, null, null, $"not fitted: {reason}"))];

    /// <summary>Puts probabilities right in place; a task without a calibrator keeps its own.</summary>
    /// <param name="calibrators">One a task.</param>
    /// <param name="probabilities">[N · T], row by row.</param>
    public static void Apply(IReadOnlyList<TaskCalibrator> calibrators, Span<float> probabilities)
    {
        PlattCalibrator?[] fitted = [.. calibrators.Select(task => task.Calibrator)];
        for (var at = 0; at < probabilities.Length; at++)
        {
            probabilities[at] = fitted[at % fitted.Length]?.Apply(probabilities[at]) ?? probabilities[at];
        }
    }

    private static TaskCalibrator Fit(string name, byte[] labels, float[] probabilities)
    {
        var positives = labels.LongCount(label => label == 1);
        var fitted = PlattCalibrator.Of(labels, probabilities);
        return new(name, labels.Length, positives, fitted?.Slope, fitted?.Intercept, fitted is null ? Reason(positives, labels.Length - positives) : null);
    }

    private static string Reason(long positives, long negatives) =>
        positives < PlattCalibrator.FewestOfAClass ? FormattableString.Invariant($"not fitted: {positives} positives, {PlattCalibrator.FewestOfAClass} needed")
        : negatives < PlattCalibrator.FewestOfAClass ? FormattableString.Invariant($"not fitted: {negatives} negatives, {PlattCalibrator.FewestOfAClass} needed")
        : "not fitted: a higher probability does not mean a more frequent label";
}
