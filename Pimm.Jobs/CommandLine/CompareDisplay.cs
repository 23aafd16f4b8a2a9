using System.Diagnostics;
using System.Globalization;
using Pimm.Core.Comparing;
using Pimm.Core.Datasets;

namespace Pimm.Jobs.CommandLine;

/// <summary>Shows a comparison on stderr: what was noticed of the rows, then a line a training with what is left to do.</summary>
internal sealed class CompareDisplay(TextWriter lines)
{
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private bool noted;
    private int found = -1;

    /// <summary>The splits' notes are much the same: those of the first are shown.</summary>
    public void Packed(DatasetSummary summary)
    {
        foreach (var note in noted ? [] : summary.Notes)
        {
            lines.WriteLine(note);
        }

        noted = true;
    }

    public void Show(ComparisonProgress progress)
    {
        if (progress is not { Finished: { } cell, Result.Model: { } model })
        {
            return;
        }

        if (!progress.Trained)
        {
            found = Math.Max(found, 0) + 1;
            return;
        }

        if (found > 0)
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{found} trainings are there already"));
            found = 0;
        }

        var left = clock.Elapsed * ((progress.Cells - progress.Done) / (double)Math.Max(progress.DoneHere, 1));
        var what = cell.Sweep
            ? string.Create(CultureInfo.InvariantCulture, $"rate {cell.Options.LearningRate}  validation {progress.Result.ValidationLoss:F5}")
            : string.Create(CultureInfo.InvariantCulture, $"split {cell.SplitNumber}  AUC {string.Join(" ", model.Test.Select(task => (task.Auc ?? double.NaN).ToString("F4", CultureInfo.InvariantCulture)))}");
        lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"[{progress.Done}/{progress.Cells}] {cell.Model}  seed {cell.Options.Seed}  {what}  best epoch {model.BestEpoch}  {model.Seconds:F1} s  about {left:h\\:mm\\:ss} left"));
    }
}
