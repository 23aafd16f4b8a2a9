using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>What a network's probabilities were worth on rows it was not trained on.</summary>
/// <param name="Tasks">One entry a task, in funnel order.</param>
/// <param name="OrderViolations">Share of rows where a later stage has a higher probability than the one before.</param>
public sealed record EvaluationResult(IReadOnlyList<TaskMetrics> Tasks, double OrderViolations);

/// <summary>A network's probabilities on rows of a snapshot, without gradients and in large batches, and what they are worth.</summary>
public static class ModelEvaluation
{
    /// <summary>Rows computed at once; large, because nothing is kept for a backward pass.</summary>
    public const int RowsAtOnce = 8192;

    /// <exception cref="OperationCanceledException">Asked for between two batches.</exception>
    public static EvaluationResult Of(
        MultiTaskNetwork network, Device device, Snapshot data, int[] rows, CancellationToken cancellationToken)
    {
        var predictions = Predict(network, device, data, rows, cancellationToken);
        return new(TaskMetrics.Of(predictions), predictions.OrderViolations);
    }

    /// <summary>The rows' probabilities as at inference, premises predicted, beside what happened.</summary>
    /// <param name="rows">In any order; the predictions are in the same.</param>
    /// <exception cref="OperationCanceledException">Asked for between two batches.</exception>
    public static Predictions Predict(
        MultiTaskNetwork network, Device device, Snapshot data, int[] rows, CancellationToken cancellationToken)
    {
        var tasks = data.TaskNames.Count;
        var probabilities = new float[rows.LongLength * tasks];
        var labels = new byte[rows.LongLength * tasks];
        var amounts = network.PredictsAmount ? new AmountPredictions(new float[rows.Length], new float[rows.Length]) : null;
        var batches = new SnapshotBatches(data);
        network.eval();
        using var native = NativeForward.Of(network, device);
        for (var start = 0; start < rows.Length; start += RowsAtOnce)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = Math.Min(RowsAtOnce, rows.Length - start);
            batches.Gather(rows.AsSpan(start, count));
            var ofRows = probabilities.AsSpan(start * tasks, count * tasks);
            if (native is null)
            {
                Compute(network, device, batches.Ids, count, ofRows, amounts is null ? default : amounts.Outputs.AsSpan(start, count));
            }
            else if (native.Run(data.IdsOf(rows.AsSpan(start, count)), count, ofRows) >= 0)
            {
                throw new InputException("The snapshot has ids that its own feature map does not know: it is damaged; import the data again.");
            }

            if (amounts is not null)
            {
                batches.Amounts.CopyTo(amounts.Actual.AsSpan(start, count));
            }

            for (var at = 0; at < count * tasks; at++)
            {
                labels[start * tasks + at] = (byte)batches.Labels[at];
            }
        }

        return new(data.TaskNames, probabilities, labels) { Amounts = amounts };
    }

    /// <param name="ids">[rows, F], row by row; exactly so long.</param>
    /// <param name="probabilities">[rows, T], filled row by row.</param>
    /// <param name="amounts">[rows], filled with the amount's outputs on the training scale; empty where nobody wants them.</param>
    internal static void Compute(
        MultiTaskNetwork network, Device device, long[] ids, int rows, Span<float> probabilities, Span<float> amounts)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var batch = tensor(ids, [rows, ids.Length / rows]).to(device);
        var outputs = network.call(batch, null);
        sigmoid(network.StageLogits(outputs)).cpu().contiguous().data<float>().CopyTo(probabilities);
        if (!amounts.IsEmpty)
        {
            network.AmountOf(outputs).cpu().contiguous().data<float>().CopyTo(amounts);
        }
    }
}
