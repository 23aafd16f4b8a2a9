using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>Rows from anywhere in a table that lies in memory, straight into the tensors of a batch, by as many threads as Torch computes with.</summary>
internal static unsafe class Gathering
{
    /// <param name="rows">of the table, which does not move</param>
    /// <param name="chosen">B of them, in any order</param>
    /// <param name="ids">the table's first row, behind which the others lie</param>
    /// <param name="labels">the same</param>
    /// <param name="amounts">the table's first; empty where nobody wants them</param>
    /// <param name="toIds">[B, F] int64</param>
    /// <param name="toLabels">[B, T] float</param>
    /// <param name="toAmounts">[B] float; null where nobody wants them</param>
    public static void Fill(
        long rows, ReadOnlySpan<int> chosen, ReadOnlySpan<int> ids, ReadOnlySpan<byte> labels, ReadOnlySpan<float> amounts, Tensor toIds, Tensor toLabels, Tensor? toAmounts)
    {
        fixed (int* which = chosen, firstIds = ids)
        fixed (byte* firstLabels = labels)
        fixed (float* firstAmount = amounts)
        {
            var columns = new NativeColumns { Ids = firstIds, Labels = firstLabels, Amounts = firstAmount, Rows = rows, Fields = ids.Length, Tasks = labels.Length };
            nint to = toAmounts is null ? 0 : toAmounts.Handle.DangerousGetHandle();
            int failed = NativeTorch.pimm_gather(columns, which, chosen.Length, toIds.Handle, toLabels.Handle, to);
            GC.KeepAlive(toAmounts);
            NativeTorch.Check(failed, $"gather({chosen.Length} of {rows} rows)");
        }
    }
}
