using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>PIMM's forward pass for answers alone (Native/forward.h): float32 on the CPU, on as many threads as Torch has.</summary>
internal sealed class ForwardPass : IDisposable
{
    private readonly ForwardHandle forward;

    /// <param name="sizes">ids of each field</param>
    /// <param name="widths">of the towers' layers, at least one</param>
    /// <param name="parameters">in the order of Native/forward_build.cpp; null for what the network does not have</param>
    public unsafe ForwardPass(in NativeForwardShape shape, ReadOnlySpan<int> sizes, ReadOnlySpan<int> widths, IReadOnlyList<Tensor?> parameters)
    {
        Span<nint> native = stackalloc nint[parameters.Count];
        for (int i = 0; i < parameters.Count; i++)
            native[i] = parameters[i] is { } tensor ? tensor.Handle.DangerousGetHandle() : 0;
        fixed (int* size = sizes, width = widths)
        fixed (nint* parameter = native)
        {
            NativeTorch.Check(NativeTorch.pimm_forward_new(shape, size, width, parameter, out nint made), "forward_new");
            forward = new ForwardHandle(made);
        }
        GC.KeepAlive(parameters);
    }

    /// <param name="ids">[rows, fields]</param>
    /// <param name="probabilities">[rows, tasks], filled</param>
    /// <returns>the place of the first id that its field does not have, or -1; nothing can be said of the probabilities then</returns>
    public unsafe long Run(ReadOnlySpan<int> ids, long rows, Span<float> probabilities)
    {
        long wrong;
        fixed (int* id = ids)
        fixed (float* to = probabilities)
            NativeTorch.Check(NativeTorch.pimm_forward_run(forward, id, rows, to, out wrong), $"forward_run({rows} rows)");
        return wrong;
    }

    public void Dispose() => forward.Dispose();
}
