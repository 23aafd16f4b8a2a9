using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// ESM² (Wen et al., SIGIR'20): after a click comes a decisive action D (into the cart, on the wish list) or another one, and
/// either may end in a purchase.
/// <code>
/// y1 = P(click), y2 = P(D | click), y3 = P(buy | D), y4 = P(buy | no D)       one tower each on x [B, D]
/// ŷ  = y1,  y1 y2,  y1 (y2 y3 + (1 − y2) y4)
/// L  = Σ_t BCE(y_t, ŷ_t)
/// </code>
/// The other path's weight is 1 − y2 (one public implementation has 1 − y2 y3, which is wrong). In a funnel nobody buys without D,
/// y4 is 0, and what is left is ESMM on T stages, number for number: that is what this network is unless
/// <see cref="Esm2Options.OtherPath"/> asks for the fourth tower.
/// </summary>
public sealed class Esm2Network : MultiTaskNetwork
{
    private const int TasksOfOtherPath = 3;

    private readonly EmbeddingTable embeddings;
    private readonly TowerBank towers;
    private readonly TaskHeads heads;
    private readonly bool otherPath;

    public Esm2Network(NetworkShape shape, Esm2Options options)
        : base(Esm2Options.Kind, shape, new(options.TaskWeights, CalibratorWeight: 0, options.L2))
    {
        if (options.OtherPath && shape.Tasks != TasksOfOtherPath)
        {
            throw new InputException($"otherPath=true of the model '{Esm2Options.Kind}' takes {TasksOfOtherPath} tasks (click, decisive action, buy), but there are {shape.Tasks}; leave it false.");
        }

        otherPath = options.OtherPath;
        var probabilities = otherPath ? shape.Tasks + 1 : shape.Tasks;
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        towers = new TowerBank(probabilities, embeddings.Width, options.Towers, options.Dropout);
        heads = new TaskHeads(probabilities, towers.OutputWidth);
        register_module("embeddings", embeddings);
        register_module("towers", towers);
        register_module("heads", heads);
    }

    public override bool Conditional => !otherPath;

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    /// <returns>z, [B, T]; with the other path the logits of ŷ, [B, 3]</returns>
    public override Tensor forward(Tensor ids, Premise? premise)
    {
        var logits = heads.call(towers.call(embeddings.call(ids)));         // [B, T] or [B, 4]
        return otherPath ? StageChain.LogitsByTwoPaths(logits) : logits;
    }
}
