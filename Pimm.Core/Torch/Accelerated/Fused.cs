using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>
/// Whole parts of networks as one function each, forward and backward, in blocks of rows that stay in a processor's cache
/// (Native/fused_towers.cpp, fused_chain.cpp). For float32 on the CPU; elsewhere the operators serve. Dropout's masks are those of
/// <see cref="Rectified"/>, drawn in the same order.
/// </summary>
internal static unsafe class Fused
{
    /// <summary>Whether a batch of the input can go through them.</summary>
    public static bool Serves(Tensor input) => input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32;

    /// <param name="input">[G, B, in], or [B, in] where G = 1</param>
    /// <param name="weights">a layer's matrices side by side in the first layer, [G, in, n·h], one by one in later ones, [G·n, h, h']</param>
    /// <param name="biases">as many numbers as the layer's matrices have columns</param>
    /// <param name="shares">dropped after each layer, 0 to below 1</param>
    /// <returns>[G·n, B, d]; with a single layer [G, B, n·d]</returns>
    public static Tensor Towers(Tensor input, IReadOnlyList<Parameter> weights, IReadOnlyList<Parameter> biases, ReadOnlySpan<double> shares)
    {
        nint* parameters = stackalloc nint[weights.Count + biases.Count];
        Take(weights, parameters);
        Take(biases, parameters + weights.Count);
        fixed (double* each = shares)
        {
            NativeTorch.Check(NativeTorch.pimm_towers(input.Handle, parameters, each, weights.Count, out nint result), $"towers({input.Describe()})");
            GC.KeepAlive(weights);
            GC.KeepAlive(biases);
            return new Tensor(result);
        }
    }

    /// <param name="own">v, [T, B, d]</param>
    /// <param name="labels">[B, T]; null where nothing is shown</param>
    /// <param name="shown">[B, T−1]; null where nothing is shown</param>
    /// <param name="parameters">the heads' weights and biases, each transfer's weight, bias and premise weight, and the attention weights</param>
    /// <param name="share">dropped of the transfer layers, 0 to below 1</param>
    /// <returns>logits [B, T]</returns>
    public static Tensor PremiseChain(Tensor own, Tensor? labels, Tensor? shown, IReadOnlyList<Parameter> parameters, double share)
    {
        nint* native = stackalloc nint[parameters.Count];
        Take(parameters, native);
        int failed = NativeTorch.pimm_premise_chain(own.Handle, Native(labels), Native(shown), native, parameters.Count, share, out nint result);
        GC.KeepAlive(labels);
        GC.KeepAlive(shown);
        GC.KeepAlive(parameters);
        NativeTorch.Check(failed, $"premise_chain({own.Describe()})");
        return new Tensor(result);
    }

    // Whoever calls holds the tensors through the call.
    private static void Take(IReadOnlyList<Parameter> from, nint* to)
    {
        for (int i = 0; i < from.Count; i++)
            to[i] = from[i].Handle.DangerousGetHandle();
    }

    private static nint Native(Tensor? tensor) => tensor is null ? 0 : tensor.Handle.DangerousGetHandle();
}
