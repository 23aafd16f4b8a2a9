using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// What belongs to each task alone, at little cost: s_t = Dropout(ReLU((x B_t) C_t + c_t)) through ρ numbers. [B, in] → [T, B, h].
/// Glorot weights, bias 0.
/// </summary>
public sealed class LowRankExtraction : Module<Tensor, Tensor>
{
    private readonly Parameter down;
    private readonly Parameter up;
    private readonly Parameter bias;
    private readonly int tasks;
    private readonly int rank;
    private readonly double dropout;

    /// <param name="rank">ρ, at least 1.</param>
    /// <param name="width">h</param>
    /// <param name="dropout">Share of units dropped while training, 0 to below 1.</param>
    public LowRankExtraction(int tasks, int inputWidth, int rank, int width, double dropout) : base(nameof(LowRankExtraction))
    {
        (this.tasks, this.rank, this.dropout) = (tasks, rank, dropout);
        down = Initialisation.GlorotUniform(inputWidth, rank, inputWidth, tasks * rank);
        up = Initialisation.GlorotUniform(rank, width, tasks, rank, width);
        bias = Initialisation.Zeros(tasks, 1, width);
        register_parameter("down", down);
        register_parameter("up", up);
        register_parameter("bias", bias);
    }

    /// <param name="input">[B, in]</param>
    /// <returns>s, [T, B, h]</returns>
    public override Tensor forward(Tensor input)
    {
        var narrow = matmul(input, down).view(input.shape[0], tasks, rank).transpose(0, 1);         // [T, B, ρ]
        return Rectifier.Of(baddbmm(bias, narrow, up), dropout, training);
    }
}
