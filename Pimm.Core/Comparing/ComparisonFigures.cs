using System.Globalization;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>The figures of a comparison's page, by the names of their files.</summary>
internal static class ComparisonFigures
{
    public static IReadOnlyList<(string Name, SvgChart Chart)> All(ComparisonResult result) =>
    [
        .. result.Tasks.Select((task, at) => ($"auc-{at + 1}", Auc(result, task, at))),
        ("training", Training(result)),
        .. result.Tasks.Select((task, at) => ($"calibration-{at + 1}", Calibration(result, task, at))),
        .. result.Tasks.Select((task, at) => ($"gain-{at + 1}", Gain(result, task, at))),
    ];

    private static SvgChart Auc(ComparisonResult result, string task, int at)
    {
        ModelResult[] models = [.. result.Models.Where(model => model.EqualTo is null && model.Tasks[at].AucMean is not null)];
        var points = models.Select((model, place) =>
        {
            var (mean, std) = (model.Tasks[at].AucMean!.Value, model.Tasks[at].AucStd);
            return new ChartPoint(place, mean, mean - std, mean + std);
        });
        var means = models.Select(model => string.Create(CultureInfo.InvariantCulture, $"{model.Model} {model.Tasks[at].AucMean:0.0000}"));
        return new SvgChart(
            $"AUC of {task}, mean ± standard deviation over trainings", $"{string.Join(", ", means)}.",
            new ChartAxis("model", Categories: [.. models.Select(model => model.Model)]), new ChartAxis("AUC over all test rows"),
            [new ChartSeries("models", SeriesStyle.Points, [.. points]), .. CeilingOf(result, at, models.Length)]);
    }

    private static IEnumerable<ChartSeries> CeilingOf(ComparisonResult result, int at, int models) =>
        result.Ceiling.Count > 0 && result.Ceiling[at].Auc is { } auc
            ? [new ChartSeries("true probabilities", SeriesStyle.Line, [new ChartPoint(-0.5, auc), new ChartPoint(models - 0.5, auc)], Quiet: true)]
            : [];

    private static SvgChart Training(ComparisonResult result) => new(
        "Validation loss by epoch, first training", "Summed over tasks; a line ends where training stopped.",
        new ChartAxis("epoch"), new ChartAxis("validation log loss, summed over tasks"),
        [.. result.Figures.Select(model => new ChartSeries(
            model.Model, SeriesStyle.Line, [.. model.ValidationLosses.Select((loss, epoch) => new ChartPoint(epoch + 1, loss))]))]);

    private static SvgChart Calibration(ComparisonResult result, string task, int at)
    {
        var most = result.Figures.SelectMany(model => model.Calibration[at]).Select(bin => Math.Max(bin.Predicted, bin.Observed)).DefaultIfEmpty(1).Max();
        return new SvgChart(
            $"Calibration of {task}, first training", "By tenths of the test rows, predicted against observed rate; on the diagonal the prediction is right.",
            new ChartAxis("predicted rate, mean of a tenth of the rows", From: 0), new ChartAxis("observed rate", From: 0),
            [
                new ChartSeries("right", SeriesStyle.Line, [new ChartPoint(0, 0), new ChartPoint(most, most)], Quiet: true),
                .. result.Figures.Select(model => new ChartSeries(
                    model.Model, SeriesStyle.Line, [.. model.Calibration[at].Select(bin => new ChartPoint(bin.Predicted, bin.Observed))])),
            ]);
    }

    private static SvgChart Gain(ComparisonResult result, string task, int at) => new(
        $"Gain of {task}, first training", "Share of the positives among the rows with the highest scores; the diagonal is chance.",
        new ChartAxis("share of the test rows, highest scores first", From: 0, To: 1), new ChartAxis($"share of the rows with {task}", From: 0, To: 1),
        [
            new ChartSeries("chance", SeriesStyle.Line, [new ChartPoint(0, 0), new ChartPoint(1, 1)], Quiet: true),
            .. result.Figures.Select(model => new ChartSeries(
                model.Model, SeriesStyle.Line, [.. model.Gains[at].Select(point => new ChartPoint(point.Share, point.Captured))])),
        ]);
}
