using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// The attention block of AITM (KDD'21), which PIMM uses unchanged (equations 1–3 without the residual): of K = 2 vectors u_1
/// (the task's own) and u_2 (what is handed over), s_i = ⟨u_i W_Q, u_i W_K⟩ / √d, a = softmax(s), out = Σ a_i (u_i W_V).
/// A vector is scored with itself: there is no cross term. No bias; W_Q, W_K, W_V ~ N(0, 0.01²), stored side by side in
/// <c>weight</c> [d, 3d] so that one product serves the three.
/// </summary>
public sealed class AttentiveTransfer : Module<Tensor, Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly int width;

    /// <param name="width">d</param>
    public AttentiveTransfer(int width) : base(nameof(AttentiveTransfer))
    {
        this.width = width;
        weight = Initialisation.SmallNormal(width, 3 * width);
        register_parameter("weight", weight);
    }

    /// <summary>[W_Q | W_K | W_V], [d, 3d].</summary>
    public Parameter Weight => weight;

    /// <param name="own">[B, d]</param>
    /// <param name="handed">[B, d]</param>
    /// <returns>[B, d]</returns>
    public override Tensor forward(Tensor own, Tensor handed)
    {
        var (attention, values) = Attend(own, handed);
        return (attention * values).sum(dim: 0);
    }

    /// <summary>The attention a, [2, B, 1] (its two entries add up to 1), and the values u_i W_V, [2, B, d].</summary>
    public (Tensor Attention, Tensor Values) Attend(Tensor own, Tensor handed)
    {
        var batch = own.shape[0];
        var both = cat([own, handed], 0);                                             // [2B, d]
        var projected = matmul(both, weight);                                         // [2B, 3d]
        var queries = projected.narrow(1, 0, width);
        var keys = projected.narrow(1, width, width);
        var values = projected.narrow(1, 2 * width, width).view(2, batch, width);     // [2, B, d]
        var scores = (queries * keys).sum(dim: 1).view(2, batch, 1) / Math.Sqrt(width);    // [2, B, 1]
        return (softmax(scores, 0), values);
    }
}
