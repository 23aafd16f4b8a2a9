using System.Globalization;
using System.Text;

namespace Pimm.Core.Training;

/// <summary>A page about one trained model for a person (<c>--report FILE.md</c>).</summary>
public static class ModelCard
{
    public static string Of(ModelDescription model, string trainedOn)
    {
        var card = new StringBuilder();
        Line(card, $"# {model.Model}, seed {model.Seed}");
        Line(card, $"");
        Line(card, $"Trained on {trainedOn}: {model.Rows.Train:N0} rows, validated on {model.Rows.Validation:N0}, tested once on {model.Rows.Test:N0}.");
        Line(card, $"{model.Parameters:N0} parameters, {model.VocabularySizes.Count} features, {model.EpochsTrained} epochs, best {model.BestEpoch}, {model.Seconds:F1} s ({model.SamplesPerSecond:N0} samples/s).");
        Line(card, $"");
        Line(card, $"## Test");
        Line(card, $"");
        Line(card, $"| task | positives | AUC | log loss | predicted / observed | ECE |");
        Line(card, $"|---|---|---|---|---|---|");
        foreach (var task in model.Test)
        {
            Line(card, $"| {task.Name} | {task.Positives:N0} | {Number(task.Auc)} | {Number(task.LogLoss)} | {Number(task.Calibration)} | {Number(task.Ece)} |");
        }

        Line(card, $"");
        Line(card, $"Later stages' AUC is over all rows. In {model.OrderViolations:P2} of the test rows a later stage has a higher probability than the one before.");
        Line(card, $"");
        Epochs(card, model);
        Settings(card, model);
        return card.ToString();
    }

    private static void Epochs(StringBuilder card, ModelDescription model)
    {
        Line(card, $"## Epochs");
        Line(card, $"");
        Line(card, $"| epoch | p | training loss | validation log loss | {string.Join(" | ", model.Tasks.Select(task => $"AUC {task}"))} |");
        Line(card, $"|---|---|---|---|{string.Concat(model.Tasks.Select(_ => "---|"))}");
        foreach (var epoch in model.Epochs)
        {
            Line(card, $"| {epoch.Epoch} | {Number(epoch.PremiseProbability)} | {Number(epoch.TrainingLoss)} | {Number(epoch.ValidationLogLoss)} | {string.Join(" | ", epoch.Validation.Select(task => Number(task.Auc)))} |");
        }

        Line(card, $"");
    }

    private static void Settings(StringBuilder card, ModelDescription model)
    {
        Line(card, $"## Settings");
        Line(card, $"");
        Line(card, $"batch {model.Training.Batch}, learning rate {model.Training.LearningRate}, patience {model.Training.Patience}, stop on {model.Training.StopOn}, device {model.Training.Device}, threads {model.Training.Threads}");
        Line(card, $"");
        foreach (var (key, value) in model.Settings)
        {
            Line(card, $"- {key} = {value}");
        }
    }

    private static string Number(double? value) => value is { } number ? number.ToString("F4", CultureInfo.InvariantCulture) : "–";

    private static void Line(StringBuilder card, FormattableString text) => card.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
