using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// AITM, the adaptive information transfer multi-task framework (Xi et al., KDD'21), as in its authors' public code: towers on
/// shared embeddings, each stage attends to its own tower and to what the stage before hands over.
/// <code>
/// q_t = Tower_t(x)                                x [B, D] shared embeddings, q [T, B, d]
/// z_0 = q_0
/// z_t = Attention(q_t, Dropout(ReLU(z_{t−1} A + a)))               no residual
/// ŷ_t = sigmoid(z_t · w_t + b_t)
/// L   = Σ_t BCE(y_t, ŷ_t) + α · mean Σ_{t≥1} max(ŷ_t − ŷ_{t−1}, 0)
/// </code>
/// The calibrator is a mean over rows (some public ports take the sum or leave it out). Because W_V starts near 0, a later stage's
/// probability starts near .5. No batch norm, as the authors' first script.
/// </summary>
public sealed class AitmNetwork : MultiTaskNetwork
{
    private readonly EmbeddingTable embeddings;
    private readonly TowerBank towers;
    private readonly TransferChain chain;
    private readonly TaskHeads heads;

    public AitmNetwork(NetworkShape shape, AitmOptions options)
        : base(AitmOptions.Kind, shape, new(options.TaskWeights, options.CalibratorWeight, options.L2) { AttentionL2 = options.AttentionL2 })
    {
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        towers = new TowerBank(shape.Tasks, embeddings.Width, options.Towers, options.Dropout);
        chain = new TransferChain(shape.Tasks, lanes: 1, towers.OutputWidth, options.TransferDropout, options.SharedAttention);
        heads = new TaskHeads(shape.Tasks, towers.OutputWidth);
        register_module("embeddings", embeddings);
        register_module("towers", towers);
        register_module("chain", chain);
        register_module("heads", heads);
    }

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    public override IReadOnlyList<Parameter> Attention => [.. chain.AttentionWeights];

    public override Tensor forward(Tensor ids, Premise? premise) => heads.call(chain.call(towers.call(embeddings.call(ids))));
}
