using System.Runtime.InteropServices;

namespace TorchSharp;

internal static unsafe partial class NativeTorch
{
    [LibraryImport(Library)] public static partial int pimm_cuda_memory(int device, out long free, out long whole);

    [LibraryImport(Library)] public static partial int pimm_allow_tf32(int allowed);

    [LibraryImport(Library)] public static partial int pimm_tf32_allowed(out int allowed);

    [LibraryImport(Library)] public static partial int pimm_generator_on(int device, long seed, out nint made);

    [LibraryImport(Library)] public static partial int pimm_graph_new(int device, out nint made);

    [LibraryImport(Library)] public static partial void pimm_graph_free(nint graph);

    [LibraryImport(Library)] public static partial int pimm_graph_enter(GraphHandle graph);

    [LibraryImport(Library)] public static partial int pimm_graph_leave(GraphHandle graph);

    [LibraryImport(Library)] public static partial int pimm_graph_begin(GraphHandle graph);

    [LibraryImport(Library)] public static partial int pimm_graph_end(GraphHandle graph);

    [LibraryImport(Library)] public static partial int pimm_graph_replay(GraphHandle graph);
}

/// <summary>Owns a recorded step, its side stream and the device's memory that the step works in.</summary>
internal sealed class GraphHandle : SafeHandle
{
    public GraphHandle(nint graph) : base(0, ownsHandle: true) => SetHandle(graph);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeTorch.pimm_graph_free(handle);
        return true;
    }
}
