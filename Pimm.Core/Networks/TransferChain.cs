using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// AITM's hand-over down the funnel (KDD'21), over n lanes at once: z_0 = q_0, z_t = Attention(q_t, Dropout(ReLU(z_{t−1} A + a))).
/// [T·n, B, d] → [T·n, B, d], the lanes of the first task first. A transfer has its own A and a for every lane; the lanes share
/// its attention. Nothing is cut: gradients flow into the stages before.
/// </summary>
public sealed class TransferChain : Module<Tensor, Tensor>
{
    private readonly int lanes;
    private readonly bool residual;
    private readonly List<TowerBank> transfers = [];
    private readonly List<AttentiveTransfer> attentions = [];

    /// <param name="tasks">T, at least 1; with 1 nothing is handed over and there are no parameters.</param>
    /// <param name="lanes">n, at least 1.</param>
    /// <param name="width">d</param>
    /// <param name="dropout">Share of units dropped after a transfer while training, 0 to below 1.</param>
    /// <param name="sharedAttention">One set of W_Q, W_K, W_V for all transfers instead of one each.</param>
    /// <param name="residual">Whether q_t is added to what the attention gives, as PIMM does.</param>
    public TransferChain(int tasks, int lanes, int width, double dropout, bool sharedAttention, bool residual = false)
        : base(nameof(TransferChain))
    {
        (this.lanes, this.residual) = (lanes, residual);
        for (var transfer = 0; transfer < tasks - 1; transfer++)
        {
            transfers.Add(new TowerBank(lanes, 1, width, [width], [dropout]));
            register_module($"transfer{transfer}", transfers[transfer]);
            if (transfer == 0 || !sharedAttention)
            {
                attentions.Add(new AttentiveTransfer(width));
                register_module($"attention{transfer}", attentions[transfer]);
            }
        }
    }

    /// <summary>[W_Q | W_K | W_V] of each transfer, or of all where they share one.</summary>
    public IEnumerable<Parameter> AttentionWeights => attentions.Select(attention => attention.Weight);

    /// <param name="own">q, [T·n, B, d]</param>
    /// <returns>z, [T·n, B, d]</returns>
    public override Tensor forward(Tensor own)
    {
        if (transfers.Count == 0)
        {
            return own;
        }

        var (batch, width) = (own.shape[1], own.shape[2]);
        var states = new Tensor[transfers.Count + 1];
        states[0] = own.narrow(0, 0, lanes);
        for (var task = 1; task < states.Length; task++)
        {
            var mine = own.narrow(0, task * lanes, lanes);
            var handed = transfers[task - 1].call(states[task - 1]);                                // [n, B, d]
            var attention = attentions[Math.Min(task - 1, attentions.Count - 1)];
            var state = attention.call(mine.reshape(lanes * batch, width), handed.reshape(lanes * batch, width));
            states[task] = residual ? mine + state.view(lanes, batch, width) : state.view(lanes, batch, width);
        }

        return cat(states, 0);
    }
}
