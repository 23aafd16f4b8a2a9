#if !TORCH_PACKAGE
global using RowAdam = TorchSharp.Accelerated.RowAdam;
#else
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>Stands in where there is no Torch/Accelerated: tables are updated as any other parameter, and rows cannot wait.</summary>
internal sealed class RowAdam : IDisposable
{
    public RowAdam(Parameter table, double learningRate, double decay, bool wait) =>
        throw new InputException("The setting embeddingUpdates=lazy needs Pimm's own binding to libtorch; leave it dense.");

    public static bool Takes(Parameter table) => false;

    public Parameter Table => null!;

    public Tensor First => null!;

    public Tensor Second => null!;

    public Tensor? Touched => null;

    public long Steps { get; set; }

    public Tensor? Mean { get; set; }

    public long MeanStart { get; set; }

    public void Average(double steps, long between) { }

    public Tensor LookUp(Tensor ids) => ids;

    public void Step() { }

    public void CatchUp() { }

    public void ZeroGradient() { }

    public void Dispose() { }
}
#endif
