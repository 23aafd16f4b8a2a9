using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// MMoE, the multi-gate mixture of experts (Ma et al., KDD'18): each task mixes the same K experts in its own way.
/// <code>
/// E_k(x)                                          x [B, D] shared embeddings, E [K, B, h]
/// f_t = Σ_k softmax(x W_t)_k · E_k(x)             f [T, B, h]
/// ŷ_t = sigmoid(Tower_t(f_t) · w_t + b_t)
/// </code>
/// The gate is one product without bias, read from the embeddings; some public implementations put a hidden layer or a batch norm
/// before its softmax. Loss: the sum of the tasks' cross entropies over all rows.
/// </summary>
public sealed class MmoeNetwork : MultiTaskNetwork
{
    private readonly EmbeddingTable embeddings;
    private readonly TowerBank experts;
    private readonly ExpertGate gate;
    private readonly TowerBank towers;
    private readonly TaskHeads heads;

    public MmoeNetwork(NetworkShape shape, MmoeOptions options)
        : base(MmoeOptions.Kind, shape, new(options.TaskWeights, CalibratorWeight: 0, options.L2))
    {
        var (expertDropout, towerDropout) = DropoutShares.Cut(options.Dropout, options.ExpertLayers, options.Towers, "experts and towers");
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        experts = new TowerBank(options.Experts, embeddings.Width, options.ExpertLayers, expertDropout);
        gate = new ExpertGate(shape.Tasks, embeddings.Width, options.Experts);
        towers = new TowerBank(shape.Tasks, 1, experts.OutputWidth, options.Towers, towerDropout);
        heads = new TaskHeads(shape.Tasks, towers.OutputWidth);
        register_module("embeddings", embeddings);
        register_module("experts", experts);
        register_module("gate", gate);
        register_module("towers", towers);
        register_module("heads", heads);
    }

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    public override Tensor forward(Tensor ids, Premise? premise)
    {
        var input = embeddings.call(ids);                                   // [B, D]
        return heads.call(towers.call(gate.call(input, experts.call(input), null)));
    }
}
