#if !TORCH_PACKAGE
global using StepGraph = TorchSharp.Accelerated.StepGraph;
#else
using TorchSharp;

namespace Pimm.Core.Training;

/// <summary>Stands in where there is no Torch/Accelerated: a step is called, and cannot be recorded.</summary>
internal sealed class StepGraph(Action step) : IDisposable
{
    public StepGraph(torch.Device device, Action step) : this(step)
    {
        if (device.type != DeviceType.CPU)
        {
            throw new InputException("The setting cudaGraph=true needs Pimm's own binding to libtorch; leave it out.");
        }
    }

    public static StepGraph Called(Action step) => new(step);

    public void Run() => step();

    public void Dispose() { }
}
#endif
