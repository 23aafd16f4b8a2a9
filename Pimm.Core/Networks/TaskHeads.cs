using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// One logit a task: z_t = u_t · w_t + b_t, ŷ_t = sigmoid(z_t). Input [T, B, d] → [B, T]. Glorot weights, bias 0.
/// </summary>
public sealed class TaskHeads : Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter bias;

    public TaskHeads(int tasks, int width) : base(nameof(TaskHeads))
    {
        weight = Initialisation.GlorotUniform(width, 1, tasks, width, 1);
        bias = Initialisation.Zeros(tasks);
        register_parameter("weight", weight);
        register_parameter("bias", bias);
    }

    /// <summary>w [T, d, 1] and b [T].</summary>
    internal IEnumerable<Parameter> Learned => [weight, bias];

    /// <param name="states">[T, B, d]</param>
    /// <returns>logits [B, T]</returns>
    public override Tensor forward(Tensor states) => bmm(states, weight).squeeze(2).transpose(0, 1) + bias;

    /// <summary>The logit of one task: state [B, d] → [B, 1]; for networks whose later states depend on it.</summary>
    public Tensor Of(int task, Tensor state) => matmul(state, weight.select(0, task)) + bias.narrow(0, task, 1);
}
