using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>
/// PIMM from the look-up to its gradients as one call (Native/learn.cpp), for training on the CPU: a tensor that the managed side never
/// holds costs it nothing, neither time nor garbage.
/// </summary>
/// <param name="Offsets">[F] int64, where a field's rows begin in the table</param>
/// <param name="Towers">the layers' weights, then their biases, as <see cref="Fused.Towers"/> takes them; at least two layers</param>
/// <param name="TowerShares">dropped after each layer, 0 to below 1</param>
/// <param name="Chain">as <see cref="Fused.PremiseChain"/> takes them</param>
/// <param name="ChainShare">dropped of the transfer layers, 0 to below 1</param>
internal sealed unsafe record FusedNetwork(Tensor Offsets, Parameter[] Towers, double[] TowerShares, Parameter[] Chain, double ChainShare)
{
    /// <summary>Adds the gradients of Σ_t w_t · BCE to the parameters' and to those of what the table looked up, and the loss to a sum.</summary>
    /// <param name="ids">[B, F]</param>
    /// <param name="labels">[B, T]</param>
    /// <param name="shown">[B, T−1]; null where nothing is shown</param>
    /// <param name="weights">[T]; null for 1 each</param>
    /// <param name="losses">the sum, one number</param>
    public void Learn(RowAdam table, Tensor ids, Tensor labels, Tensor? shown, Tensor? weights, Tensor losses)
    {
        nint* towers = stackalloc nint[Towers.Length];
        nint* chain = stackalloc nint[Chain.Length];
        Take(Towers, towers);
        Take(Chain, chain);
        fixed (double* shares = TowerShares)
        {
            var network = new NativeNetwork
            {
                Offsets = Native(Offsets), Towers = towers, TowerShares = shares, Layers = TowerShares.Length,
                Chain = chain, ChainCount = Chain.Length, ChainShare = ChainShare,
            };
            var batch = new NativeBatch { Ids = Native(ids), Labels = Native(labels), Shown = Native(shown), TaskWeights = Native(weights), Losses = Native(losses) };
            int failed = NativeTorch.pimm_learn(table.Rows, table.How, network, batch);
            NativeTorch.Check(failed, $"learn({ids.Describe()}, {labels.Describe()})");
        }
        GC.KeepAlive(this);
        GC.KeepAlive(table);
        GC.KeepAlive(ids);
        GC.KeepAlive(labels);
        GC.KeepAlive(shown);
        GC.KeepAlive(weights);
        GC.KeepAlive(losses);
    }

    private static void Take(Parameter[] from, nint* to)
    {
        for (int i = 0; i < from.Length; i++)
            to[i] = Native(from[i]);
    }

    // Whoever calls holds the tensors through the call.
    private static nint Native(Tensor? tensor) => tensor is null ? 0 : tensor.Handle.DangerousGetHandle();
}
