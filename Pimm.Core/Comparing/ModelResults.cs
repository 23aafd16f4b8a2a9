using System.Globalization;
using Pimm.Core.Statistics;
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
            name, equalTo, [.. tasks], models[0].Parameters, models.Average(model => model.SamplesPerSecond), models[0].Training.LearningRate,
            models.Average(model => model.OrderViolations), models.Average(model => model.BestEpoch), models.Average(model => model.Seconds),
            trainings.Average(training => training.Result.ValidationLoss), models[0].Training, models[0].Settings,
            rate.Losses.ToDictionary(pair => pair.Key.ToString("R", CultureInfo.InvariantCulture), pair => pair.Value), AmountOf(models, truth.Count));
    }

    private static TaskResult TaskOf(TaskMetrics[] trainings, double?[] expected) => new(
        trainings[0].Name, Mean(trainings.Select(task => task.Auc)), Deviation(trainings.Select(task => task.Auc)), [.. trainings.Select(task => task.Auc)],
        trainings.Average(task => task.LogLoss), Mean(trainings.Select(task => task.Calibration)), trainings.Average(task => task.Ece),
        OfAll(trainings.Select(task => task.CalibratedCalibration)), OfAll(trainings.Select(task => task.CalibratedEce)),
        Mean(trainings.Select(task => task.ConditionalAuc)), Mean(trainings.Select(task => task.CaptureAtDecile)), Mean(trainings.Select(task => task.LiftAtDecile)),
        Mean(expected), Deviation(expected));

    private static AmountResult? AmountOf(ModelDescription[] models, int splits)
    {
        AmountMetrics[] amounts = [.. models.Select(model => model.AmountTest).OfType<AmountMetrics>()];
        var testToTrain = models[0].TestToTrain;
        return amounts.Length == 0 ? null : new AmountResult(
            amounts.Average(amount => amount.Rmse), amounts.Average(amount => amount.RmseOfMean), amounts.Average(amount => amount.Mae),
            amounts.Average(amount => amount.MaeOfMean), Mean(amounts.Select(amount => amount.Spearman)),
            Gain(amount => amount.RmseOfMean - amount.Rmse), Gain(amount => amount.MaeOfMean - amount.Mae));

        CorrectedResampledTest? Gain(Func<AmountMetrics, double> of) => splits < 2
            ? null
            : CorrectedResampledTest.Of([.. amounts.Chunk(amounts.Length / splits).Select(split => split.Average(of))], testToTrain);
    }

    /// <summary>Before and after are compared over the same trainings, or not at all.</summary>
    private static double? OfAll(IEnumerable<double?> values) => values.Contains(null) ? null : values.Average();

    private static double? Mean(IEnumerable<double?> values) => values.Average();

    private static double? Deviation(IEnumerable<double?> values)
    {
        double[] numbers = [.. values.OfType<double>()];
        return numbers.Length < 2 ? null : MathNet.Numerics.Statistics.Statistics.StandardDeviation(numbers);
    }
}
