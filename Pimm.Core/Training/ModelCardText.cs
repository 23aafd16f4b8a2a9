using System.Globalization;
using System.Text;

namespace Pimm.Core.Training;

/// <summary>A model card as Markdown, section by section; what an older model does not know is left out.</summary>
internal sealed class ModelCardText(
    ModelDescription model, IReadOnlyList<FeatureFacts> features, string trainedOn, IReadOnlyList<(string Task, string File)> charts)
{
    private readonly StringBuilder text = new();

    public override string ToString()
    {
        text.Clear();
        Summary();
        Test();
        Amount();
        Calibration();
        Slices();
        Data();
        Features();
        Settings();
        Epochs();
        Environment();
        return text.ToString();
    }

    private void Summary()
    {
        Line($"# {model.Model}, seed {model.Seed}");
        Line($"");
        Line($"Trained on {trainedOn}: {model.Rows.Train:N0} rows trained, {model.Rows.Validation:N0} chose the epoch, {model.Rows.Calibration:N0} fitted the calibrators, {model.Rows.Test:N0} tested once.");
        Line($"{model.Parameters:N0} parameters, {model.VocabularySizes.Count} features, {model.EpochsTrained} epochs, best {model.BestEpoch}, {model.Seconds:F1} s ({model.SamplesPerSecond:N0} samples/s), code {model.Version}.");
        Line($"");
    }

    private void Test()
    {
        Line($"## Test");
        Line($"");
        Table(
            ["task", "positives", "AUC", "AUC among those at the stage before", "captured by the top tenth", "lift of the top tenth", "log loss", "predicted / observed", "ECE"],
            model.Test.Select(task => Row(
                task.Name, Whole(task.Positives), Number(task.Auc), Number(task.ConditionalAuc), Number(task.CaptureAtDecile), Number(task.LiftAtDecile),
                Number(task.LogLoss), Number(task.Calibration), Number(task.Ece))));
        Line($"AUC is over all rows, for later stages too; the AUC among those at the stage before answers another question and is not comparable with it.");
        Line($"In {model.OrderViolations:P2} of the test rows a later stage has a higher probability than the one before.");
        Line($"");
    }

    private void Amount()
    {
        if (model is not { Amount: { } learned, AmountTest: { } amount })
        {
            return;
        }

        Line($"## Amount");
        Line($"");
        Line($"Learned on the {(learned.Scale == Networks.AmountScale.Log1p ? "ln(1 + a)" : "standardised")} scale, judged in its own unit; beside it what predicting the training rows' mean for every row would give.");
        Line($"");
        Table(
            ["rows", "mean", "predicted mean", "RMSE", "RMSE of the mean", "MAE", "MAE of the mean", "rank correlation"],
            [Row(Whole(amount.Rows), Number(amount.Mean), Number(amount.PredictedMean), Number(amount.Rmse), Number(amount.RmseOfMean), Number(amount.Mae), Number(amount.MaeOfMean), Number(amount.Spearman))]);
    }

    private void Calibration()
    {
        if (model.Calibrators is not { } calibrators)
        {
            return;
        }

        Line($"## Calibration");
        Line($"");
        Line($"σ(slope · logit + intercept), fitted on the calibration rows; used by `pimm score --calibrated`. Test metrics before → after:");
        Line($"");
        Table(
            ["task", "rows", "positives", "slope", "intercept", "predicted / observed", "ECE", "log loss"],
            calibrators.Zip(model.Test, (task, test) => task.Note is { } note
                ? Row(task.Name, Whole(task.Rows), Whole(task.Positives), note, "–", Number(test.Calibration), Number(test.Ece), Number(test.LogLoss))
                : Row(
                    task.Name, Whole(task.Rows), Whole(task.Positives), Number(task.Slope), Number(task.Intercept),
                    Change(test.Calibration, test.CalibratedCalibration), Change(test.Ece, test.CalibratedEce), Change(test.LogLoss, test.CalibratedLogLoss))));
        foreach (var (task, file) in charts)
        {
            Line($"![Calibration of {MarkdownCell.Of(task)}: predicted and observed rate by tenths of the test rows]({Uri.EscapeDataString(file)})");
            Line($"");
        }
    }

    private void Slices()
    {
        if (model.Slices is not { Count: > 0 } slices)
        {
            return;
        }

        Line($"## Slices of the test rows");
        Line($"");
        Table(
            ["field", "value", "rows", .. model.Tasks.SelectMany(task => new[] { $"{task}: positives", "AUC", "predicted / observed" })],
            slices.Select(slice => Row(
                [slice.Field, slice.Value, Whole(slice.Rows), .. slice.Tasks.SelectMany(task => new[] { Whole(task.Positives), Enough(task.Auc), Enough(task.Calibration) })])));
        Line($"Too few: below {SliceMetrics.FewestPositives} positives, or for an AUC negatives. Without a calibrator.");
        Line($"");
    }

    private void Data()
    {
        if (model.Data is not { } data)
        {
            return;
        }

        Line($"## Data");
        Line($"");
        Table(
            ["part", "rows", .. model.Tasks.Select(task => $"rate of {task}")],
            data.Parts.Select(part => Row([part.Part, Whole(part.Rows), .. part.Positives.Select(positives => part.Rows == 0 ? "–" : Number((double)positives / part.Rows))])));
        Line($"SHA-256 of the packed rows: {data.SnapshotSha256 ?? "unknown"}");
        Line($"");
    }

    private void Features()
    {
        Line($"## Features");
        Line($"");
        Table(
            ["feature", "kind", "values"],
            features.Select(feature => Row(
                feature.Name, feature.Kind, feature.Categories is { } categories ? $"{Whole(categories)} categories" : $"{Whole(feature.Bins ?? 0)} bins")));
    }

    private void Settings()
    {
        Line($"## Settings");
        Line($"");
        Line($"Seed {model.Seed}, batch {model.Training.Batch}, learning rate {model.Training.LearningRate}, at most {model.Training.Epochs} epochs, patience {model.Training.Patience}, stop on {model.Training.StopOn}, weights averaged over {model.Training.Averaging} epochs{(model.Training.Refit ? ", refitted on all but the test rows" : "")}, device {model.Training.Device}, threads {model.Training.Threads}.");
        Line($"");
        foreach (var (key, value) in model.Settings)
        {
            Line($"- {key} = {value}");
        }

        Line($"");
    }

    private void Epochs()
    {
        Line($"## Epochs");
        Line($"");
        Table(
            ["epoch", "p", "training loss", "validation log loss", .. model.Tasks.Select(task => $"AUC {task}")],
            model.Epochs.Select(epoch => Row(
                [Whole(epoch.Epoch), Number(epoch.PremiseProbability), Number(epoch.TrainingLoss), Number(epoch.ValidationLogLoss), .. epoch.Validation.Select(task => Number(task.Auc))])));
    }

    private void Environment()
    {
        if (model.Environment is not { } place)
        {
            return;
        }

        Line($"## Environment");
        Line($"");
        Line($"{place.System}, {place.Processors} processors, {place.Runtime}, libtorch {place.Libtorch} on {place.TorchThreads} threads, {(place.Blas.Count == 0 ? "linear algebra library unknown" : string.Join(", ", place.Blas))}.");
    }

    private void Table(IReadOnlyList<string> heads, IEnumerable<string> rows)
    {
        Line($"| {string.Join(" | ", heads.Select(MarkdownCell.Of))} |");
        Line($"|{string.Concat(heads.Select(_ => "---|"))}");
        foreach (var row in rows)
        {
            Line($"{row}");
        }

        Line($"");
    }

    private static string Row(params IReadOnlyList<string> cells) => $"| {string.Join(" | ", cells.Select(MarkdownCell.Of))} |";

    private static string Enough(double? value) => value is null ? "too few" : Number(value);

    private static string Change(double? before, double? after) => $"{Number(before)} → {Number(after)}";

    private static string Whole(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Number(double? value) => value is { } number && double.IsFinite(number) ? number.ToString("F4", CultureInfo.InvariantCulture) : "–";

    private void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
