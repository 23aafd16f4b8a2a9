using Pimm.Core.Statistics;

namespace Pimm.Core.Training;

/// <summary>One task's predicted and observed rates by tenths of the test rows.</summary>
/// <param name="Name">The task's label column.</param>
/// <param name="Before">Up to ten bins of equally many rows, ascending by the network's own probability.</param>
/// <param name="After">The same after the calibrator; null where none was fitted.</param>
public sealed record CalibrationCurve(string Name, IReadOnlyList<CalibrationBin> Before, IReadOnlyList<CalibrationBin>? After)
{
    /// <param name="predictions">Of the test part.</param>
    /// <param name="calibrators">One a task.</param>
    /// <returns>T entries in the tasks' order.</returns>
    public static IReadOnlyList<CalibrationCurve> Of(Predictions predictions, IReadOnlyList<TaskCalibrator> calibrators) =>
        [.. predictions.Tasks.Select((name, task) =>
        {
            var (labels, probabilities) = (predictions.LabelsOf(task), predictions.ProbabilitiesOf(task));
            return new CalibrationCurve(
                name,
                Calibration.Of(labels, probabilities).Bins,
                calibrators[task].Calibrator is { } calibrator ? Calibration.Of(labels, calibrator.Apply(probabilities)).Bins : null);
        })];

    /// <summary>Predicted against observed, with Wilson's 95 % intervals; on the diagonal the prediction is right.</summary>
    public SvgChart ToChart()
    {
        double[] rates = [.. (After ?? []).Concat(Before).SelectMany(bin => new[] { bin.Predicted, bin.Observed }).DefaultIfEmpty(1)];
        ChartSeries[] series =
        [
            new("right", SeriesStyle.Line, [new(rates.Min(), rates.Min()), new(rates.Max(), rates.Max())], Quiet: true),
            new("as predicted", SeriesStyle.Line, Points(Before)),
            .. After is null ? Array.Empty<ChartSeries>() : [new("calibrated", SeriesStyle.Line, Points(After))],
        ];
        return new(
            FormattableString.Invariant($"Calibration of {Name} on the test rows"),
            $"By tenths of the rows, predicted and observed rate. {Said("As predicted", Before)}{(After is null ? " No calibrator was fitted." : Said(" Calibrated", After))}",
            new ChartAxis("predicted rate, mean of a tenth of the rows"),
            new ChartAxis("observed rate, 95 % interval"),
            series);
    }

    private static string Said(string what, IReadOnlyList<CalibrationBin> bins) => bins.Count == 0
        ? $"{what}: no rows."
        : FormattableString.Invariant($"{what}: lowest tenth {bins[0].Predicted:0.####} and {bins[0].Observed:0.####}, highest {bins[^1].Predicted:0.####} and {bins[^1].Observed:0.####}.");

    private static IReadOnlyList<ChartPoint> Points(IReadOnlyList<CalibrationBin> bins) =>
        [.. bins.Select(bin =>
        {
            var interval = new Proportion(bin.Rows, (long)Math.Round(bin.Observed * bin.Rows)).Wilson();
            return new ChartPoint(bin.Predicted, bin.Observed, interval.Lower, interval.Upper);
        })];
}
