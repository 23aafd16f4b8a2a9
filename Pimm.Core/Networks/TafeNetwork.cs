using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// TAFE-style: our reading of the abstracts of TAFE (arXiv 2301.02494, RecSys'23, 10.1145/3604915.3608772), of which no equations
/// are public. Known are the ideas: shared representations are reconstructed for each sample, each task extracts its own explicitly
/// and efficiently, and the loss is an unbiased one under the constraint that a stage needs the one before.
/// <code>
/// r_t = μ_t(x) · Σ_j softmax(x G_t)_j E_j(x)      which experts, which dimensions; x [B, D], E [m, B, h], r [T, B, h]
/// s_t = ReLU((x B_t) C_t + c_t)                   the task's own, of rank ρ, [T, B, h]
/// z_t = Tower_t([r_t ; s_t]) · w_t + b_t          conditional logit, ŷ_t = Π_{j≤t} sigmoid(z_j)
/// L   = − mean ln(ŷ_s − ŷ_{s+1})                  s = the stage where the row stopped
/// </code>
/// On conditional logits the loss is each stage's cross entropy on the rows that reached the stage before, so nothing is
/// subtracted (<see cref="StageLoss.Dependence"/>). <see cref="TafeLoss"/> names the variants.
/// </summary>
public sealed class TafeNetwork : MultiTaskNetwork
{
    private readonly EmbeddingTable embeddings;
    private readonly TowerBank experts;
    private readonly ExpertGate gate;
    private readonly DimensionGate dimensions;
    private readonly LowRankExtraction own;
    private readonly TowerBank towers;
    private readonly TaskHeads heads;

    public TafeNetwork(NetworkShape shape, TafeOptions options) : base(TafeOptions.Kind, shape, options.Objective)
    {
        var (expertDropout, towerDropout) = DropoutShares.Cut(options.Dropout, options.ExpertLayers, options.Towers, "experts and towers");
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        experts = new TowerBank(options.Experts, embeddings.Width, options.ExpertLayers, expertDropout);
        gate = new ExpertGate(shape.Tasks, embeddings.Width, options.Experts);
        dimensions = new DimensionGate(shape.Tasks, embeddings.Width, experts.OutputWidth);
        own = new LowRankExtraction(shape.Tasks, embeddings.Width, options.Rank, experts.OutputWidth, expertDropout.LastOrDefault());
        towers = new TowerBank(shape.Tasks, 1, 2 * experts.OutputWidth, options.Towers, towerDropout);
        heads = new TaskHeads(shape.Tasks, towers.OutputWidth);
        register_module("embeddings", embeddings);
        register_module("experts", experts);
        register_module("gate", gate);
        register_module("dimensions", dimensions);
        register_module("own", own);
        register_module("towers", towers);
        register_module("heads", heads);
    }

    public override bool Conditional => Objective.Loss != StageLoss.MarginalDependence;

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    /// <returns>z, [B, T]; with the marginal loss the logits of ŷ</returns>
    public override Tensor forward(Tensor ids, Premise? premise)
    {
        var input = embeddings.call(ids);                                                           // [B, D]
        var shared = dimensions.call(input) * gate.call(input, experts.call(input), null);          // [T, B, h]
        return heads.call(towers.call(cat([shared, own.call(input)], 2)));
    }
}
