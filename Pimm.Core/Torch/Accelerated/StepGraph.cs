using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>
/// A step that is launched as a whole (Native/graph.cpp): the first runs are warming up, beside the default stream; then one is
/// recorded as a CUDA graph, and every run from then on is one launch of it. Each run is one step, the first as the thousandth. The
/// step has no arguments: what differs from run to run has to lie in tensors that it changes itself, it may neither read from the
/// device nor copy to it, and the tensors it uses and does not make must keep their memory. On the CPU there is nothing to record,
/// and a run calls the step again. Not yet run on a GPU.
/// </summary>
internal sealed class StepGraph : IDisposable
{
    // As PyTorch advises: libraries and the pool of memory set themselves up in them.
    private const int WarmUps = 3;

    private readonly Action step;
    private readonly GraphHandle? graph;
    private int runs;

    public StepGraph(Device device, Action step) : this(step)
    {
        if (device.type != DeviceType.CPU)
        {
            Check(NativeTorch.pimm_graph_new(Math.Max(device.index, 0), out nint made));
            graph = new GraphHandle(made);
        }
    }

    private StepGraph(Action step) => this.step = step;

    /// <summary>A step that is called on every device, for one that is not to be recorded.</summary>
    public static StepGraph Called(Action step) => new(step);

    public void Run()
    {
        if (graph is null)
        {
            step();
            return;
        }

        if (runs < WarmUps)
            Aside(graph, step);
        else
        {
            if (runs == WarmUps)
                Aside(graph, () => Record(graph));
            Check(NativeTorch.pimm_graph_replay(graph));
        }
        runs = Math.Min(runs + 1, WarmUps + 1);
    }

    public void Dispose() => graph?.Dispose();

    private void Record(GraphHandle recorded)
    {
        Check(NativeTorch.pimm_graph_begin(recorded));
        try
        {
            step();
        }
        catch
        {
            // The stream must not be left recording; what went wrong first is what is told.
            _ = NativeTorch.pimm_graph_end(recorded);
            throw;
        }
        Check(NativeTorch.pimm_graph_end(recorded));
    }

    private static void Aside(GraphHandle graph, Action action)
    {
        Check(NativeTorch.pimm_graph_enter(graph));
        try
        {
            action();
        }
        finally
        {
            _ = NativeTorch.pimm_graph_leave(graph);
        }
    }

    private static void Check(int failed) => NativeTorch.Check(failed, "step graph");
}
