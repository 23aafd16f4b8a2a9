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
        IReadOnlyList<Parameter>[] regularised = [network.Regularised, network.Attention];
        Add(network.parameters().Where(parameter => !regularised.SelectMany(part => part).Any(other => ReferenceEquals(other, parameter))), 0);
        Add(network.Regularised, network.Objective.L2);
        Add(network.Attention, network.Objective.AttentionL2);

        void Add(IEnumerable<Parameter> parameters, double decay)
        {
            if (parameters.ToArray() is { Length: > 0 } part)
            {
                parts.Add(torch.optim.Adam(part, learningRate, weight_decay: decay));
            }
        }
    }

    /// <summary>What Adam remembers of each parameter, in an order that the network decides.</summary>
    public IEnumerable<Adam.State> States => parts.SelectMany(part => part.state_dict().State).Cast<Adam.State>();

    public void ZeroGradients() => parts.ForEach(part => part.zero_grad());

    public void Step() => parts.ForEach(part => part.step());

    public void Dispose() => parts.ForEach(part => part.Dispose());
}
