using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// What each task takes of which expert: G gates at once, g = softmax(x W) over K experts, f = Σ_k g_k E_k. Each gate mixes n
/// experts of its own, where it has any, and m shared ones, the own ones first: K = n + m. No bias (MMoE, PLE and most public
/// implementations of them). All gates read the same input with one product, or each its own.
/// </summary>
public sealed class ExpertGate : Module<Tensor, Tensor, Tensor?, Tensor>
{
    private readonly Parameter weight;
    private readonly int gates;
    private readonly int own;
    private readonly int shared;
    private readonly bool apart;

    /// <param name="gates">G, at least 1.</param>
    /// <param name="inputWidth">Width of what a gate reads.</param>
    /// <param name="shared">m, at least 1.</param>
    /// <param name="own">n, 0 for none.</param>
    /// <param name="apart">Whether each gate has an input of its own.</param>
    public ExpertGate(int gates, int inputWidth, int shared, int own = 0, bool apart = false) : base(nameof(ExpertGate))
    {
        (this.gates, this.own, this.shared, this.apart) = (gates, own, shared, apart);
        var experts = own + shared;
        weight = apart
            ? Initialisation.GlorotUniform(inputWidth, experts, gates, inputWidth, experts)
            : Initialisation.GlorotUniform(inputWidth, experts, inputWidth, gates * experts);
        register_parameter("weight", weight);
    }

    /// <param name="input">[B, in], or [G, B, in] where each gate has its own</param>
    /// <returns>g, [B, G, K]; over the last dimension it adds up to 1</returns>
    public Tensor Shares(Tensor input)
    {
        var scores = apart ? bmm(input, weight).transpose(0, 1) : matmul(input, weight).view(input.shape[0], gates, own + shared);
        return softmax(scores, 2);
    }

    /// <param name="input">[B, in], or [G, B, in] where each gate has its own</param>
    /// <param name="sharedExperts">[m, B, h]</param>
    /// <param name="ownExperts">[G·n, B, h], those of the first gate first; null where n = 0</param>
    /// <returns>f, [G, B, h]</returns>
    public override Tensor forward(Tensor input, Tensor sharedExperts, Tensor? ownExperts)
    {
        var shares = Shares(input);                                                                 // [B, G, K]
        var mixed = bmm(shares.narrow(2, own, shared), sharedExperts.transpose(0, 1)).transpose(0, 1);
        if (ownExperts is null)
        {
            return mixed;
        }

        var ofOwn = shares.narrow(2, 0, own).permute(1, 2, 0).unsqueeze(3);                         // [G, n, B, 1]
        var experts = ownExperts.view(gates, own, ownExperts.shape[1], ownExperts.shape[2]);        // [G, n, B, h]
        return mixed + (ofOwn * experts).sum(dim: 1);
    }
}
