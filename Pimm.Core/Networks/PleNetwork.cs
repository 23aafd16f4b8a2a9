using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// PLE, progressive layered extraction (Tang et al., RecSys'20): shared experts and experts of a task's own, mixed by gates on
/// each of L levels (<see cref="ExtractionLevel"/>), then towers:
/// <code>
/// O = Level_L(… Level_1(x))                       x [B, D] shared embeddings, O [T, B, h]
/// ŷ_t = sigmoid(Tower_t(O_t) · w_t + b_t)
/// </code>
/// With one level, the default, it is CGC. Loss: the sum of the tasks' cross entropies over all rows; the paper's own weights and
/// sample spaces are not used, as PIMM's comparison does not mention them.
/// </summary>
public sealed class PleNetwork : MultiTaskNetwork
{
    private readonly EmbeddingTable embeddings;
    private readonly List<ExtractionLevel> levels = [];
    private readonly TowerBank towers;
    private readonly TaskHeads heads;

    public PleNetwork(NetworkShape shape, PleOptions options)
        : base(PleOptions.Kind, shape, new(options.TaskWeights, CalibratorWeight: 0, options.L2))
    {
        var (expertDropout, towerDropout) = DropoutShares.Cut(options.Dropout, options.ExpertLayers, options.Towers, "experts and towers");
        embeddings = new EmbeddingTable(shape.VocabularySizes, options.Embedding);
        register_module("embeddings", embeddings);
        for (var level = 0; level < options.Levels; level++)
        {
            var width = level == 0 ? embeddings.Width : levels[level - 1].OutputWidth;
            levels.Add(new ExtractionLevel(shape.Tasks, width, options, expertDropout, level));
            register_module($"level{level}", levels[level]);
        }

        towers = new TowerBank(shape.Tasks, 1, levels[^1].OutputWidth, options.Towers, towerDropout);
        heads = new TaskHeads(shape.Tasks, towers.OutputWidth);
        register_module("towers", towers);
        register_module("heads", heads);
    }

    public override IReadOnlyList<Parameter> Regularised => [embeddings.Weight];

    public override Tensor forward(Tensor ids, Premise? premise) =>
        heads.call(towers.call(levels.Aggregate(embeddings.call(ids), (state, level) => level.call(state))));
}
