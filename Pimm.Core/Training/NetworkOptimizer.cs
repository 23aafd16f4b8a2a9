using Pimm.Core.Networks;
using TorchSharp;
using TorchSharp.Modules;

namespace Pimm.Core.Training;

/// <summary>
/// Adam over a network's parameters. L2 (λ/2 · Σ w², AITM's) touches the parameters the network names; it enters as Adam's weight
/// decay λ, which adds λ w to the gradient and so is the same thing.
/// </summary>
public sealed class NetworkOptimizer : IDisposable
{
    private readonly List<Adam> parts = [];

    public NetworkOptimizer(MultiTaskNetwork network, double learningRate)
    {
        var regularised = network.Objective.L2 > 0 ? network.Regularised : [];
        var plain = network.parameters().Where(parameter => !regularised.Any(other => ReferenceEquals(other, parameter))).ToArray();
        parts.Add(torch.optim.Adam(plain, learningRate));
        if (regularised.Count > 0)
        {
            parts.Add(torch.optim.Adam(regularised, learningRate, weight_decay: network.Objective.L2));
        }
    }

    public void ZeroGradients() => parts.ForEach(part => part.zero_grad());

    public void Step() => parts.ForEach(part => part.step());

    public void Dispose() => parts.ForEach(part => part.Dispose());
}
