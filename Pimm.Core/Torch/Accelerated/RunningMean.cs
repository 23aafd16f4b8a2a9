using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>Means that move with what they are of, many in one call.</summary>
internal static unsafe class RunningMean
{
    /// <summary>kept = (1 − share) · kept + share · weights, one pair after the other; nothing is recorded for gradients.</summary>
    public static void TakeIn(List<(Tensor Kept, Tensor Weights)> pairs, double share)
    {
        nint* tensors = stackalloc nint[2 * pairs.Count];
        for (int i = 0; i < pairs.Count; i++)
        {
            tensors[i] = pairs[i].Kept.Handle.DangerousGetHandle();
            tensors[pairs.Count + i] = pairs[i].Weights.Handle.DangerousGetHandle();
        }
        NativeTorch.Check(NativeTorch.pimm_take_in(tensors, pairs.Count, share), $"running mean of {pairs.Count}");
        GC.KeepAlive(pairs);
    }
}
