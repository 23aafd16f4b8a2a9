using Pimm.Core.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>A copy of a network's weights as they were at some time.</summary>
public sealed class KeptWeights(MultiTaskNetwork network) : IDisposable
{
    private Dictionary<string, Tensor> kept = [];

    /// <summary>The copy by the names of the state dict; empty before the first.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => kept;

    public void Keep()
    {
        using var quiet = no_grad();
        Release();
        foreach (var (name, weights) in network.state_dict())
        {
            var copy = weights.clone();
            copy.DetachFromDisposeScope();
            kept.Add(name, copy);
        }
    }

    /// <summary>Puts the copy back into the network; without one the weights stay as they are.</summary>
    public void Restore()
    {
        if (kept.Count > 0)
        {
            network.load_state_dict(kept);
        }
    }

    public void Dispose() => Release();

    private void Release()
    {
        foreach (var copy in kept.Values)
        {
            copy.Dispose();
        }

        kept = [];
    }
}
