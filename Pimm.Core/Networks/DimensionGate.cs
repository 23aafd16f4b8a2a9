using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// How much of each dimension a task wants for this row: μ_t(x) = 2 · sigmoid(x M_t + m_t), between 0 and 2, near 1 at the start.
/// [B, in] → [T, B, h]. Glorot weights, bias 0.
/// </summary>
public sealed class DimensionGate : Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly int tasks;

    public DimensionGate(int tasks, int inputWidth, int width) : base(nameof(DimensionGate))
    {
        this.tasks = tasks;
        weight = Initialisation.GlorotUniform(inputWidth, width, inputWidth, tasks * width);
        bias = Initialisation.Zeros(tasks * width);
        register_parameter("weight", weight);
        register_parameter("bias", bias);
    }

    /// <param name="input">[B, in]</param>
    /// <returns>μ, [T, B, h]</returns>
    public override Tensor forward(Tensor input) =>
        (sigmoid(addmm(bias, input, weight)) * 2).view(input.shape[0], tasks, weight.shape[1] / tasks).transpose(0, 1);
}
