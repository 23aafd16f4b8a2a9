using System.Globalization;
using System.Text;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>A page about a comparison: FILE.md, and its figures as SVG files in the folder FILE beside it.</summary>
public static class ComparisonReport
{
    public static void Write(ComparisonResult result, string path)
    {
        var figures = Path.ChangeExtension(path, null);
        Directory.CreateDirectory(figures);
        foreach (var (name, chart) in ComparisonFigures.All(result))
        {
            File.WriteAllText(Path.Combine(figures, name + ".svg"), chart.ToSvg());
        }

        File.WriteAllText(path, Markdown(result, Path.GetFileName(figures)));
    }

    /// <param name="folder">of the figures, as the page refers to them</param>
    public static string Markdown(ComparisonResult result, string folder)
    {
        var page = new StringBuilder();
        Line(page, $"# {string.Join(", ", result.Models.Select(model => model.Model))} on {result.Data}");
        Line(page, $"");
        Line(page, $"{ComparisonTable.Head(result)}.");
        Line(page, $"");
        AucTable(page, result);
        foreach (var note in ComparisonTable.Footnotes(result))
        {
            Line(page, $"{note}  ");
        }

        Line(page, $"");
        foreach (var (name, chart) in ComparisonFigures.All(result))
        {
            Line(page, $"![{MarkdownCell.Of(chart.Title)}]({Uri.EscapeDataString(folder)}/{name}.svg)");
            Line(page, $"");
        }

        SignificanceTable(page, result);
        ProbabilityTable(page, result);
        AmountTable(page, result);
        Settings(page, result);
        return page.ToString();
    }

    private static void AucTable(StringBuilder page, ComparisonResult result)
    {
        Line(page, $"| model | {string.Join(" | ", result.Tasks.Select(task => $"AUC {MarkdownCell.Of(task)}"))} | parameters | samples/s | learning rate | best epoch |");
        Line(page, $"|---|{string.Concat(result.Tasks.Select(_ => "---|"))}---|---|---|---|");
        foreach (var model in result.Models)
        {
            var aucs = result.Tasks.Select((_, task) => ComparisonTable.Auc(result, model, task).Replace("*", "\\*"));
            Line(page, $"| {MarkdownCell.Of(model.Model)} | {string.Join(" | ", aucs)} | {(model.EqualTo is { } equal ? "= " + equal : Thousands(model.Parameters))} | {Thousands(model.SamplesPerSecond)} | {model.LearningRate} | {model.BestEpochMean:0.#} |");
        }

        if (result.Ceiling.Count > 0)
        {
            Line(page, $"| truth | {string.Join(" | ", result.Ceiling.Select(task => Number(task.Auc)))} | | | | |");
            Line(page, $"");
            ExpectedTable(page, result);
        }

        Line(page, $"");
    }

    private static void ExpectedTable(StringBuilder page, ComparisonResult result)
    {
        Line(page, $"Against the true probabilities (expected AUC: what labels drawn again and again would give, so without the noise of one draw):");
        Line(page, $"");
        Line(page, $"| model | {string.Join(" | ", result.Tasks.Select(MarkdownCell.Of))} |");
        Line(page, $"|---|{string.Concat(result.Tasks.Select(_ => "---|"))}");
        foreach (var model in result.Models)
        {
            Line(page, $"| {MarkdownCell.Of(model.Model)} | {string.Join(" | ", model.Tasks.Select(task => Number(task.ExpectedAucMean) + (task.ExpectedAucStd is { } std ? $" ± {Number(std)}" : "")))} |");
        }

        Line(page, $"| truth, the ceiling | {string.Join(" | ", result.Ceiling.Select(task => Number(task.ExpectedAuc)))} |");
    }

    private static void SignificanceTable(StringBuilder page, ComparisonResult result)
    {
        if (result.Significance.Count == 0)
        {
            return;
        }

        Line(page, $"## {result.Candidate.Model} against the others");
        Line(page, $"");
        Line(page, $"Differences of AUC with 95 % intervals of each pair alone; p adjusted by Holm over all baselines of a task.");
        Line(page, $"");
        Line(page, $"| task | against | test | difference | 95 % | p | p, Holm | |");
        Line(page, $"|---|---|---|---|---|---|---|---|");
        foreach (var pair in result.Significance)
        {
            Line(page, $"| {MarkdownCell.Of(pair.Task)} | {MarkdownCell.Of(pair.Against)} | {pair.Test} | {pair.Difference:+0.0000;−0.0000;0.0000} | {pair.Lower:+0.0000;−0.0000;0.0000} to {pair.Upper:+0.0000;−0.0000;0.0000} | {pair.P:0.000} | {pair.PHolm:0.000} | {pair.Note} |");
        }

        Line(page, $"");
    }

    private static void ProbabilityTable(StringBuilder page, ComparisonResult result)
    {
        Line(page, $"## Probabilities and reach");
        Line(page, $"");
        Line(page, $"Predicted / observed and the expected calibration error before and after Platt's calibrator (fitted on validation rows of its own; – where it was not fitted below 50 positives), positives in the tenth of rows with the highest scores, and the AUC among the rows that reached the stage before, which is another number than the AUC above.");
        Line(page, $"");
        Line(page, $"| model | task | log loss | pred./obs. | ECE | pred./obs. after | ECE after | capture at 10 % | lift at 10 % | AUC given the stage before | order violations |");
        Line(page, $"|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var model in result.Models.Where(model => model.EqualTo is null))
        {
            foreach (var task in model.Tasks)
            {
                Line(page, $"| {MarkdownCell.Of(model.Model)} | {MarkdownCell.Of(task.Name)} | {task.LogLossMean:0.00000} | {Number(task.CalibrationMean)} | {task.EceMean:0.00000} | {Number(task.CalibratedCalibrationMean)} | {Small(task.CalibratedEceMean)} | {Number(task.CaptureAtDecileMean)} | {Number(task.LiftAtDecileMean)} | {Number(task.ConditionalAucMean)} | {model.OrderViolationsMean:P2} |");
            }
        }

        Line(page, $"");
    }

    private static void AmountTable(StringBuilder page, ComparisonResult result)
    {
        if (result.Models.All(model => model.Amount is null))
        {
            return;
        }

        Line(page, $"## Amounts");
        Line(page, $"");
        Line(page, $"On the raw scale, against predicting the training rows' mean for everybody; the bound is the lower one of the 95 % interval over splits (corrected resampled t).");
        Line(page, $"");
        Line(page, $"| model | RMSE | of the mean | gain at least | MAE | of the mean | gain at least | Spearman |");
        Line(page, $"|---|---|---|---|---|---|---|---|");
        foreach (var model in result.Models)
        {
            if (model.Amount is { } amount)
            {
                Line(page, $"| {MarkdownCell.Of(model.Model)} | {amount.RmseMean:0.###} | {amount.RmseOfMean:0.###} | {amount.RmseGain?.Lower:0.###} | {amount.MaeMean:0.###} | {amount.MaeOfMean:0.###} | {amount.MaeGain?.Lower:0.###} | {Number(amount.SpearmanMean)} |");
            }
        }

        Line(page, $"");
    }

    private static void Settings(StringBuilder page, ComparisonResult result)
    {
        Line(page, $"## How it was made");
        Line(page, $"");
        Line(page, $"File {result.Data}, SHA-256 {result.Sha256}. Tasks {string.Join(", ", result.Tasks)}; {SplitHow(result)}; code {result.Version}; {result.Threads} thread{(result.Threads == 1 ? "" : "s")} a training, {result.Lanes} at a time.");
        Line(page, $"");
        foreach (var model in result.Models)
        {
            Line(page, $"- {model.Model}: batch {model.Training.Batch}, at most {model.Training.Epochs} epochs, patience {model.Training.Patience}, stop on {model.Training.StopOn}, averaging {model.Training.Averaging}{(model.Training.Refit ? ", refit" : "")}; {string.Join(", ", model.Settings.Select(setting => $"{setting.Key} {setting.Value}"))}{(model.Rates.Count == 0 ? "" : $"; validation loss by rate {string.Join(", ", model.Rates.Select(rate => string.Create(CultureInfo.InvariantCulture, $"{rate.Key}: {rate.Value:0.00000}")))}")}");
        }
    }

    private static string SplitHow(ComparisonResult result) => result.Options switch
    {
        { Time: { } time } => $"the oldest rows by {time} train",
        { Part: { } part } => $"parts as column {part} says",
        _ => $"random splits stratified by exit stage, seeds {result.Options.Seed} to {result.Options.Seed + (ulong)result.Splits - 1}",
    };

    private static string Thousands(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Number(double? value) => value?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "–";

    private static string Small(double? value) => value?.ToString("0.00000", CultureInfo.InvariantCulture) ?? "–";

    private static void Line(StringBuilder page, FormattableString text) => page.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
