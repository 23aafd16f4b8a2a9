using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// PIMM, the prior information merged model (Deng et al., SIGIR'23, arXiv 2305.01514). Each stage of the funnel learns from its
/// own tower v_t and from the stage before, which is handed over twice: as representation H and as premise y*, the true label
/// with probability p while training and the prediction otherwise:
/// <code>
/// v_t   = Tower_t(x)                              x [B, D] shared embeddings, v_t [B, d]
/// U_0   = v_0
/// U_t   = v_t + Attention(v_t, σ(y*_{t−1} W) + FC(U_{t−1}))          equations 1–3, 5, 6
/// ŷ_t   = sigmoid(U_t · w_t + b_t)
/// </code>
/// No public implementation exists; <see cref="PimmOptions"/> lists where the paper is silent. Its loss is not given: the sum of
/// the tasks' cross entropies over all rows is used. ŷ_t ≤ ŷ_{t−1} is not guaranteed. Premise and representation can be switched off,
/// for the ablation.
/// </summary>
public sealed class PimmNetwork : MultiTaskNetwork
{
    private readonly EmbeddingTable embeddings;
    private readonly TowerBank towers;
    private readonly PremiseChain chain;
    private readonly PimmOptions options;
#if !TORCH_PACKAGE
    private TorchSharp.Accelerated.FusedNetwork? fused;
#endif

    public PimmNetwork(NetworkShape shape, PimmOptions options)
        : base(PimmOptions.Kind, shape, new(options.TaskWeights, options.CalibratorWeight, options.L2) { AttentionL2 = options.AttentionL2 })
    {
        this.options = options;
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        towers = new TowerBank(shape.Tasks, embeddings.Width, options.Towers, options.Dropout);
        chain = new PremiseChain(shape.Tasks, towers.OutputWidth, options);
        register_module("embeddings", embeddings);
        register_module("towers", towers);
        register_module("chain", chain);
    }

    internal PimmOptions Options => options;

    public override bool AnyThreads => chain.IsFused;

    public override PremiseCurriculum? Curriculum => options.Premise ? options.Curriculum : null;

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    public override IReadOnlyList<Parameter> Attention => [.. chain.AttentionWeights];

    public override Tensor forward(Tensor ids, Premise? premise) => chain.call(towers.call(embeddings.call(ids)), premise);

#if !TORCH_PACKAGE
    internal override bool LearnsAtOnce(Tensor ids, Premise? premise, Tensor labels, Tensor? weights, Tensor losses)
    {
        // A single layer's towers lie side by side, and have to be taken apart first.
        if (!training || !chain.IsFused || towers.Dropout.Count < 2 || embeddings.Rows is not { } rows)
        {
            return false;
        }

        fused ??= new(embeddings.Offsets, [.. towers.Learned], [.. towers.Dropout], [.. chain.Together], options.TransferDropout);
        fused.Learn(rows, ids, labels, premise?.Shown, weights, losses);
        return true;
    }
#endif
}
