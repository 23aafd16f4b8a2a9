using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// HTLNet, the hierarchical transfer learning network (RecSys'24, arXiv 2403.17442): binary stages and, where the rows have an
/// amount, the amount as last and core target; without one the last binary stage is the core. Each target sees what every stage
/// before it knows, through cut gradients, so that the targets meet only in the shared embeddings, whose gradients are adjusted.
/// <code>
/// le_t   = LabelEmbedding(p_t)                    [B, L], p_t cut
/// rep_t  = first hidden layer of tower t          [B, h], cut
/// h_t    = [Fusion(rep_1 … rep_{t−1}) ; Fusion(le_1 … le_{t−1}) ; x]         x [B, D] shared embeddings
/// out_t  = Tower_t(h_t) · w_t + b_t               logit of ŷ_t; for the amount the value itself
/// L_t    = BCE, for the amount the squared error on the training scale
/// </code>
/// Source: notes on the paper and the re-implementation EMBER; the authors' repository has no code. For the embeddings the tasks'
/// gradients are merged by <see cref="GradientAdjustment"/>; every other parameter follows the losses it feeds.
/// <see cref="HtlnetOptions"/> lists what is open.
/// </summary>
public sealed class HtlnetNetwork : MultiTaskNetwork
{
    private readonly EmbeddingTable embeddings;
    private readonly List<HtlnetStage> stages = [];
    private readonly List<LabelEmbedding> labels = [];
    private readonly TaskHeads heads;
    private readonly HtlnetOptions options;

    public HtlnetNetwork(NetworkShape shape, HtlnetOptions options) : base(HtlnetOptions.Kind, shape, options.Objective)
    {
        if (options.Towers.Count == 0 || options.Towers.Count != options.Dropout.Count)
        {
            throw new InputException($"The towers of the model '{HtlnetOptions.Kind}' need at least one layer and as many dropout shares, but there are {options.Towers.Count} layers and {options.Dropout.Count} shares; give one share a layer.");
        }

        this.options = options;
        var targets = shape.Amount ? shape.Tasks + 1 : shape.Tasks;
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        register_module("embeddings", embeddings);
        for (var target = 0; target < targets; target++)
        {
            stages.Add(new HtlnetStage(target, embeddings.Width, options));
            register_module($"stage{target}", stages[target]);
            if (target < targets - 1)
            {
                labels.Add(new LabelEmbedding(options.LabelEmbedding, options.Temperature, options.DetachLabelEmbedding));
                register_module($"label{target}", labels[target]);
            }
        }

        heads = new TaskHeads(targets, options.Towers[^1]);
        register_module("heads", heads);
    }

    public override bool PredictsAmount => Shape.Amount;

    public override IReadOnlyList<Parameter> Shared => [embeddings.Weight];

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    /// <returns>[B, T], or [B, T + 1] with the amount</returns>
    public override Tensor forward(Tensor ids, Premise? premise)
    {
        var input = embeddings.call(ids);                                   // [B, D]
        var (representations, believed) = (new List<Tensor>(), new List<Tensor>());
        var outputs = new Tensor[stages.Count];
        for (var target = 0; target < outputs.Length; target++)
        {
            var (first, last) = stages[target].call(input, representations, believed);
            outputs[target] = heads.Of(target, last);                       // [B, 1]
            if (target < outputs.Length - 1)
            {
                representations.Add((options.Handed == HandedLayer.First ? first : last).detach());
                believed.Add(labels[target].call(outputs[target]));
            }
        }

        return cat(outputs, 1);
    }
}
