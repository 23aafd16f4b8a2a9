using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// The part of PIMM above its towers, which runs down the funnel: v [T, B, d] → logits [B, T]. Stage t − 1 is merged into stage t
/// (<see cref="PremiseMerge"/>), attended to (<see cref="AttentiveTransfer"/>) and added to the tower's own output.
/// </summary>
public sealed class PremiseChain : Module<Tensor, Premise?, Tensor>
{
    private readonly int tasks;
    private readonly TaskHeads heads;
    private readonly List<PremiseMerge> merges = [];
    private readonly List<AttentiveTransfer> attentions = [];
    private readonly PimmOptions options;
#if !TORCH_PACKAGE
    private List<Parameter>? together;
#endif

    public PremiseChain(int tasks, int width, PimmOptions options) : base(nameof(PremiseChain))
    {
        (this.tasks, this.options) = (tasks, options);
        heads = new TaskHeads(tasks, width);
        register_module("heads", heads);
        for (var transfer = 0; transfer < tasks - 1; transfer++)
        {
            merges.Add(new PremiseMerge(width, options));
            register_module($"merge{transfer}", merges[transfer]);
            if (transfer == 0 || !options.SharedAttention)
            {
                attentions.Add(new AttentiveTransfer(width));
                register_module($"attention{transfer}", attentions[transfer]);
            }
        }
    }

    /// <summary>[W_Q | W_K | W_V] of each transfer, or of all where they share one.</summary>
    public IEnumerable<Parameter> AttentionWeights => attentions.Select(attention => attention.Weight);

    /// <param name="own">v, [T, B, d]</param>
    public override Tensor forward(Tensor own, Premise? premise)
    {
#if !TORCH_PACKAGE
        if (IsFused && TorchSharp.Accelerated.Fused.Serves(own))
        {
            return TorchSharp.Accelerated.Fused.PremiseChain(own, premise?.Labels, premise?.Shown, Together, training ? options.TransferDropout : 0);
        }
#endif
        var state = own.select(0, 0);                                       // U_0, [B, d]
        var logits = new Tensor[tasks];
        logits[0] = heads.Of(0, state);                                     // [B, 1]
        for (var task = 1; task < tasks; task++)
        {
            var mine = own.select(0, task);
            var merged = merges[task - 1].call(state, Believed(logits[task - 1], premise, task - 1));
            state = mine + attentions[Math.Min(task - 1, attentions.Count - 1)].call(mine, merged);
            logits[task] = heads.Of(task, state);
        }

        return cat(logits, 1);
    }

#if TORCH_PACKAGE
    public bool IsFused => false;
#else
    /// <summary>Whether every setting that has a say in the computation is the one by default, which is one function where that serves.</summary>
    public bool IsFused => options is
    {
        Premise: true, Implicit: true, PremiseBias: false, DetachImplicit: false,
        PremiseActivation: PremiseActivation.Sigmoid, TransferLayer: TransferLayer.Relu,
    };

    /// <summary>All its parameters in the order in which the fused function takes them.</summary>
    internal IReadOnlyList<Parameter> Together =>
        together ??= [.. heads.Learned, .. merges.SelectMany(merge => merge.Learned), .. AttentionWeights];
#endif

    /// <summary>y* of one stage, [B, 1]: its label where the draw shows it, its prediction elsewhere; never a gradient.</summary>
    private static Tensor Believed(Tensor logit, Premise? premise, int task)
    {
        var predicted = sigmoid(logit.detach());
        if (premise is null)
        {
            return predicted;
        }

        var shown = premise.Shown.narrow(1, task, 1);
        return shown * premise.Labels.narrow(1, task, 1) + (1 - shown) * predicted;
    }
}
