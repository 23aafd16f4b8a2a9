using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// One target of HTLNet: what the n stages before hand over is fused (their representations by one unit, their label embeddings by
/// another), put beside the shared embeddings and run through a tower. The first target has nothing to fuse.
/// </summary>
public sealed class HtlnetStage : Module<Tensor, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>, (Tensor First, Tensor Last)>
{
    private readonly InformationFusion? representations;
    private readonly InformationFusion? labels;
    private readonly TowerBank lower;
    private readonly TowerBank upper;

    /// <param name="stages">n, stages before this one.</param>
    /// <param name="inputWidth">D</param>
    public HtlnetStage(int stages, int inputWidth, HtlnetOptions options) : base(nameof(HtlnetStage))
    {
        if (stages > 0)
        {
            representations = new InformationFusion(stages, HandedWidth(options), options.Fusion);
            labels = new InformationFusion(stages, options.LabelEmbedding, options.Fusion);
        }

        var width = stages == 0 ? inputWidth : inputWidth + 2 * options.Fusion;
        lower = new TowerBank(1, width, [options.Towers[0]], [options.Dropout[0]]);
        upper = new TowerBank(1, lower.OutputWidth, [.. options.Towers.Skip(1)], [.. options.Dropout.Skip(1)]);
        register_module("representations", representations);
        register_module("labels", labels);
        register_module("lower", lower);
        register_module("upper", upper);
    }

    /// <param name="input">x, [B, D]</param>
    /// <param name="handedRepresentations">n of [B, h]</param>
    /// <param name="handedLabels">n of [B, L]</param>
    /// <returns>the tower's first and last hidden layer, [B, h] each</returns>
    public override (Tensor First, Tensor Last) forward(
        Tensor input, IReadOnlyList<Tensor> handedRepresentations, IReadOnlyList<Tensor> handedLabels)
    {
        var whole = representations is null
            ? input
            : cat([representations.call(stack(handedRepresentations)), labels!.call(stack(handedLabels)), input], 1);
        var first = lower.call(whole);                                      // [1, B, h]
        return (first.select(0, 0), upper.call(first).select(0, 0));
    }

    private static int HandedWidth(HtlnetOptions options) =>
        options.Handed == HandedLayer.First ? options.Towers[0] : options.Towers[^1];
}
