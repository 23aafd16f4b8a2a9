using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// HTLNet's information fusion unit (RecSys'24): of what n stages hand over, w_i = softmax_i(⟨h2(u_i), h3(u_i)⟩ / √k),
/// out = Σ w_i h1(u_i), with h1, h2, h3 linear layers with bias, the same for every stage, side by side in one product. With one
/// stage w is 1 and there is only h1. [n, B, in] → [B, k]. Glorot weights, bias 0.
/// </summary>
public sealed class InformationFusion : Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly int stages;
    private readonly int width;

    /// <param name="stages">n, at least 1.</param>
    /// <param name="width">k</param>
    public InformationFusion(int stages, int inputWidth, int width) : base(nameof(InformationFusion))
    {
        (this.stages, this.width) = (stages, width);
        var columns = stages == 1 ? width : 3 * width;
        weight = Initialisation.GlorotUniform(inputWidth, width, inputWidth, columns);
        bias = Initialisation.Zeros(columns);
        register_parameter("weight", weight);
        register_parameter("bias", bias);
    }

    /// <param name="handed">u, [n, B, in]</param>
    /// <returns>[B, k]</returns>
    public override Tensor forward(Tensor handed)
    {
        var batch = handed.shape[1];
        var projected = addmm(bias, handed.view(stages * batch, handed.shape[2]), weight);          // [n·B, k or 3k]
        if (stages == 1)
        {
            return projected;
        }

        var values = projected.narrow(1, 0, width).view(stages, batch, width);
        var scores = (projected.narrow(1, width, width) * projected.narrow(1, 2 * width, width)).sum(dim: 1) / Math.Sqrt(width);
        return (softmax(scores.view(stages, batch, 1), 0) * values).sum(dim: 0);
    }
}
