using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// ESMM, the entire space multi-task model (Ma et al., SIGIR'18), for T stages: a tower for each conditional probability, but
/// losses only on their products, over all impressions.
/// <code>
/// z_t = Tower_t(x) · w_t + b_t                    x [B, D] shared embeddings, z [B, T]
/// ŷ_t = Π_{j≤t} sigmoid(z_j)
/// L   = Σ_t BCE(y_t, ŷ_t)
/// </code>
/// The paper has two stages, pCTR and pCTCVR = pCTR · pCVR; more follow from the same rule. Its conditional probabilities are known
/// to come out too large (ESCM²), which the products and the metrics of this product do not show. ŷ_t ≤ ŷ_{t−1} always.
/// </summary>
public sealed class EsmmNetwork : MultiTaskNetwork
{
    private readonly EmbeddingTable embeddings;
    private readonly TowerBank towers;
    private readonly TaskHeads heads;

    public EsmmNetwork(NetworkShape shape, EsmmOptions options)
        : base(EsmmOptions.Kind, shape, new(options.TaskWeights, CalibratorWeight: 0, options.L2))
    {
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        towers = new TowerBank(shape.Tasks, embeddings.Width, options.Towers, options.Dropout);
        heads = new TaskHeads(shape.Tasks, towers.OutputWidth);
        register_module("embeddings", embeddings);
        register_module("towers", towers);
        register_module("heads", heads);
    }

    public override bool Conditional => true;

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    /// <returns>z, [B, T]</returns>
    public override Tensor forward(Tensor ids, Premise? premise) => heads.call(towers.call(embeddings.call(ids)));
}
