using System.Globalization;
using System.Text;

namespace Pimm.Core.Comparing;

/// <summary>A comparison for a terminal, laid out as the paper's Tables 1 and 2: a row a model, a column a task.</summary>
public static class ComparisonTable
{
    /// <summary>Marks the candidate where it beats every baseline by the corrected resampled t-test, p adjusted over all of them.</summary>
    public const string Significant = "‡";

    public static string Text(ComparisonResult result)
    {
        var lines = new StringBuilder();
        lines.Append(CultureInfo.InvariantCulture, $"{Head(result)}\n\n");
        string[] heads = ["model", .. result.Tasks.Select(task => $"AUC {task}"), "parameters", "samples/s", "rate"];
        string[][] rows = [.. result.Models.Select(model => Row(result, model)), .. CeilingRow(result)];
        var widths = heads.Select((head, column) => Math.Max(head.Length, rows.Max(row => row[column].Length))).ToArray();
        Append(lines, heads, widths);
        foreach (var row in rows)
        {
            Append(lines, row, widths);
        }

        lines.Append('\n');
        foreach (var sentence in Footnotes(result))
        {
            lines.Append(sentence).Append('\n');
        }

        return lines.ToString();
    }

    /// <summary>Which rows, split how, trained how often.</summary>
    public static string Head(ComparisonResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{result.Data}: {result.Rows.Train:N0} rows train, {result.Rows.Validation:N0} validate, {result.Rows.Test:N0} test; {Count(result.Splits, "split")}, {Count(result.Seeds, "seed")} each; mean ± standard deviation over {Count(result.Splits * result.Seeds, "training")}");

    /// <summary>".7312 ± .0008", a * before the best of the task, ‡ behind a candidate that beats all baselines.</summary>
    public static string Auc(ComparisonResult result, ModelResult model, int task)
    {
        var value = model.Tasks[task];
        if (value.AucMean is not { } mean)
        {
            return "none";
        }

        var best = result.Best.GetValueOrDefault(value.Name) == model.Model ? "*" : "";
        var deviation = value.AucStd is { } std ? $" ± {Share(std)}" : "";
        return $"{best}{Share(mean)}{deviation}{(BeatsAll(result, model, value.Name) ? " " + Significant : "")}";
    }

    /// <summary>What the marks mean and what the numbers do not say.</summary>
    public static IEnumerable<string> Footnotes(ComparisonResult result)
    {
        yield return "* highest mean. AUC of a later stage is over all rows.";
        yield return result.Splits >= ComparisonRequest.SplitsForAClaim
            ? $"{Significant} {result.Candidate.Model} above every baseline, p < 0.05 by the corrected resampled t-test (Nadeau and Bengio 2003), Holm over all baselines{(result.Tasks.Any(task => BeatsAll(result, result.Candidate, task)) ? "" : ": on no task here")}."
            : $"{Significant} is not given: {Count(result.Splits, "split")} cannot tell other customers from these; --splits {ComparisonRequest.SplitsForAClaim} can.";
        foreach (var model in result.Models.Where(model => model.EqualTo is not null))
        {
            yield return $"{model.Model} is {model.EqualTo} on a pure chain of stages: the same numbers, counted once.";
        }

        if (result.Ceiling.Count > 0)
        {
            yield return "truth: AUC of the true probabilities, which the simulation knows, on the first split's test rows.";
        }
    }

    internal static string Share(double value) =>
        value.ToString("0.0000", CultureInfo.InvariantCulture) is var text && text.StartsWith("0.", StringComparison.Ordinal) ? text[1..] : text;

    private static bool BeatsAll(ComparisonResult result, ModelResult model, string task)
    {
        var pairs = result.Significance.Where(pair => pair.Task == task && pair.Model == model.Model && pair.Test == Significances.OverSplits).ToArray();
        return pairs.Length > 0 && pairs.All(pair => pair is { Note: null, Difference: > 0, PHolm: < 0.05 });
    }

    private static string[] Row(ComparisonResult result, ModelResult model) =>
    [
        model.Model, .. result.Tasks.Select((_, task) => Auc(result, model, task)),
        model.EqualTo is { } equal ? $"= {equal}" : model.Parameters.ToString("N0", CultureInfo.InvariantCulture),
        model.SamplesPerSecond.ToString("N0", CultureInfo.InvariantCulture), model.LearningRate.ToString("R", CultureInfo.InvariantCulture),
    ];

    private static IEnumerable<string[]> CeilingRow(ComparisonResult result) => result.Ceiling.Count == 0
        ? []
        : [["truth", .. result.Ceiling.Select(task => task.Auc is { } auc ? Share(auc) : "none"), "", "", ""]];

    private static void Append(StringBuilder lines, string[] cells, int[] widths)
    {
        var padded = cells.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]));
        lines.Append(string.Join("  ", padded).TrimEnd()).Append('\n');
    }

    private static string Count(int number, string what) => string.Create(CultureInfo.InvariantCulture, $"{number:N0} {what}{(number == 1 ? "" : "s")}");
}
