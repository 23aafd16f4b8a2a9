using System.Runtime.InteropServices;
using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>As many rows of a snapshot as a step learns from, in tensors on the host that every step of that size fills anew.</summary>
internal sealed class TrainingBatch : IDisposable
{
    private readonly Snapshot data;
    private readonly AmountModel? amount;
#if TORCH_PACKAGE
    private readonly SnapshotBatches gathered;
#endif

    /// <param name="rows">B</param>
    /// <param name="amount">how amounts are learned; null where they are not</param>
    public TrainingBatch(Snapshot data, int rows, AmountModel? amount)
    {
        (this.data, this.amount, Rows) = (data, amount, rows);
        var tasks = data.TaskNames.Count;
        Ids = empty(rows, data.VocabularySizes.Count, ScalarType.Int64).DetachFromDisposeScope();
        Labels = empty(rows, tasks).DetachFromDisposeScope();
        Amounts = amount is null ? null : empty(rows).DetachFromDisposeScope();
        Premise = new(Labels, empty(rows, tasks - 1).DetachFromDisposeScope());
#if TORCH_PACKAGE
        gathered = new SnapshotBatches(data);
#endif
    }

    public int Rows { get; }

    /// <summary>[B, F]</summary>
    public Tensor Ids { get; }

    /// <summary>[B, T] of 0 and 1</summary>
    public Tensor Labels { get; }

    /// <summary>[B], on the training scale; null where nobody learns them.</summary>
    public Tensor? Amounts { get; }

    /// <summary>The labels, and what is shown of them, which is the caller's to fill in.</summary>
    public Premise Premise { get; }

    /// <param name="rows">B of the snapshot, in any order</param>
    public void Fill(ReadOnlySpan<int> rows)
    {
        Gather(rows);
        foreach (ref var one in Amounts is null ? default : Numbers<float>(Amounts))
        {
            one = amount!.ToTraining(one);
        }
    }

    public void Dispose()
    {
        Ids.Dispose();
        Labels.Dispose();
        Amounts?.Dispose();
        Premise.Shown.Dispose();
    }

    /// <summary>A tensor's numbers where they lie.</summary>
    internal static Span<T> Numbers<T>(Tensor tensor) where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);

#if !TORCH_PACKAGE
    private void Gather(ReadOnlySpan<int> rows) => TorchSharp.Accelerated.Gathering.Fill(
        data.Rows, rows, data.Ids(0, 1), data.Labels(0, 1), Amounts is null ? [] : data.Amounts(0, 1), Ids, Labels, Amounts);
#else
    private void Gather(ReadOnlySpan<int> rows)
    {
        gathered.Gather(rows);
        gathered.Ids.CopyTo(Numbers<long>(Ids));
        gathered.Labels.CopyTo(Numbers<float>(Labels));
        if (Amounts is not null)
        {
            gathered.Amounts.CopyTo(Numbers<float>(Amounts));
        }
    }
#endif
}
