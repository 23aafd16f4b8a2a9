using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// Shared-Bottom (Caruana 1997): h = MLP_bottom(x), q_t = Tower_t(h), ŷ_t = sigmoid(q_t · w_t + b_t); the tasks meet only in the
/// bottom and the embeddings. x [B, D] → h [B, h0] → q [T, B, d] → logits [B, T].
/// </summary>
public sealed class SharedBottomNetwork : MultiTaskNetwork
{
    private readonly EmbeddingTable embeddings;
    private readonly TowerBank bottom;
    private readonly TowerBank towers;
    private readonly TaskHeads heads;

    public SharedBottomNetwork(NetworkShape shape, SharedBottomOptions options)
        : base(SharedBottomOptions.Kind, shape, new(options.TaskWeights, CalibratorWeight: 0, options.L2))
    {
        var (bottomDropout, towerDropout) = DropoutShares.Cut(options.Dropout, options.Bottom, options.Towers, "bottom and towers");
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        bottom = new TowerBank(1, embeddings.Width, options.Bottom, bottomDropout);
        towers = new TowerBank(shape.Tasks, bottom.OutputWidth, options.Towers, towerDropout);
        heads = new TaskHeads(shape.Tasks, towers.OutputWidth);
        register_module("embeddings", embeddings);
        register_module("bottom", bottom);
        register_module("towers", towers);
        register_module("heads", heads);
    }

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    public override Tensor forward(Tensor ids, Premise? premise)
    {
        var shared = bottom.call(embeddings.call(ids)).select(0, 0);        // [B, h0]
        return heads.call(towers.call(shared));
    }
}
