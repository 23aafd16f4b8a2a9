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
    private int found;

    /// <summary>The splits' notes are much the same: those of the first are shown.</summary>
    public void Packed(int split, DatasetSummary summary)
    {
        foreach (var note in noted ? [] : summary.Notes)
        {
            lines.WriteLine(note);
        }

        noted = true;
        lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"split {split} packed: {summary.TrainRows:N0} rows train, {summary.TestRows:N0} test"));
    }

    public void Show(ComparisonProgress progress)
    {
        if (!progress.Trained)
        {
            found++;
            return;
        }

        if (found > 0)
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{found} trainings are there already"));
            found = 0;
        }

        var left = clock.Elapsed * ((progress.Cells - progress.Done) / (double)Math.Max(progress.DoneHere, 1));
        lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"[{progress.Done}/{progress.Cells}] {progress.Finished.Model}  seed {progress.Finished.Options.Seed}  {Outcome(progress)}  about {left:h\\:mm\\:ss} left"));
    }
    private static string Outcome(ComparisonProgress progress) => progress switch
    {
        { Result: null } => string.Create(CultureInfo.InvariantCulture, $"rate {progress.Finished.Options.LearningRate}  diverged"),
        { Finished.Sweep: true } => string.Create(CultureInfo.InvariantCulture,
            $"rate {progress.Finished.Options.LearningRate}  validation {progress.Result.ValidationLoss:F5}"),
        { Result.Model: var model } => string.Create(CultureInfo.InvariantCulture,
            $"split {progress.Finished.SplitNumber}  AUC {string.Join(" ", model.Test.Select(task => (task.Auc ?? double.NaN).ToString("F4", CultureInfo.InvariantCulture)))}  best epoch {model.BestEpoch}  {model.Seconds:F1} s"),
    };
}
