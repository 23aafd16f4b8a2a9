#if !TORCH_PACKAGE
global using RowAdam = TorchSharp.Accelerated.RowAdam;
#else
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>Stands in where there is no Torch/Accelerated: rows cannot be updated lazily.</summary>
internal sealed class RowAdam : IDisposable
{
    public RowAdam(Parameter table, double learningRate, double decay) =>
        throw new InputException("The setting embeddingUpdates=lazy needs Pimm's own binding to libtorch; leave it dense.");

    public Parameter Table => null!;

    public Tensor First => null!;

    public Tensor Second => null!;

    public Tensor Touched => null!;

    public long Steps { get; set; }

    public Tensor? Mean { get; set; }

    public long MeanStart { get; set; }

    public void Average(double steps, long between) { }

    public Tensor LookUp(Tensor ids) => ids;

    public void Step() { }

    public void CatchUp() { }

    public void Dispose() { }
}
#endif
