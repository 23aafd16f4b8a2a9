using System.Globalization;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>From a model's trainings to its row of the comparison.</summary>

internal static class ModelResults
{
    public static ModelResult Of(
        string name, string? equalTo, SweptRate rate, IReadOnlyList<(TrainingCell Cell, CellResult Result)> trainings, IReadOnlyList<TestTruth> truth)
    {
        ModelDescription[] models = [.. trainings.Select(training => training.Result.Model)];
        var known = truth[0].Probabilities is not null;
        float[][] predictions = known ? [.. trainings.Select(training => training.Result.Predictions())] : [];
        var tasks = models[0].Tasks.Select((_, task) => TaskOf(
            [.. models.Select(model => model.Test[task])],
            [.. predictions.Select((values, at) => truth[trainings[at].Cell.SplitNumber - 1].ExpectedAuc(task, values))]));
        return new ModelResult(
            name, equalTo, [.. tasks], models[0].Parameters, models.Average(model => model.SamplesPerSecond), rate.Rate,
            models.Average(model => model.OrderViolations), models.Average(model => model.BestEpoch), models.Average(model => model.Seconds),
            trainings.Average(training => training.Result.ValidationLoss), models[0].Settings,
            rate.Losses.ToDictionary(pair => pair.Key.ToString("R", CultureInfo.InvariantCulture), pair => pair.Value), AmountOf(models));
    }

    private static TaskResult TaskOf(TaskMetrics[] trainings, double?[] expected) => new(
        trainings[0].Name, Mean(trainings.Select(task => task.Auc)), Deviation(trainings.Select(task => task.Auc)), [.. trainings.Select(task => task.Auc)],
        trainings.Average(task => task.LogLoss), Mean(trainings.Select(task => task.Calibration)), trainings.Average(task => task.Ece),
        Mean(trainings.Select(task => task.CalibratedCalibration)), Mean(trainings.Select(task => task.CalibratedEce)),
        Mean(trainings.Select(task => task.ConditionalAuc)), Mean(trainings.Select(task => task.CaptureAtDecile)), Mean(trainings.Select(task => task.LiftAtDecile)),
        Mean(expected), Deviation(expected));

    private static AmountResult? AmountOf(ModelDescription[] models)
    {
        AmountMetrics[] amounts = [.. models.Select(model => model.AmountTest).OfType<AmountMetrics>()];
        return amounts.Length == 0 ? null : new AmountResult(
            amounts.Average(amount => amount.Rmse), amounts.Average(amount => amount.RmseOfMean), amounts.Average(amount => amount.Mae),
            amounts.Average(amount => amount.MaeOfMean), amounts.Average(amount => amount.Spearman ?? 0), [.. amounts.Select(amount => amount.Rmse)], [.. amounts.Select(amount => amount.Mae)]);
    }

    private static double? Mean(IEnumerable<double?> values) => values.Average();

    private static double? Deviation(IEnumerable<double?> values)
    {
        double[] numbers = [.. values.OfType<double>()];
        return numbers.Length < 2 ? null : MathNet.Numerics.Statistics.Statistics.StandardDeviation(numbers);
    }
}
