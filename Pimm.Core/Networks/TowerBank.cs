using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// Towers of the same shape, computed at once: the towers of the tasks, and the experts of the networks that have any.
/// n towers over each of G inputs: [G, B, in] → [G·n, B, d], those over the first input first; with G = 1 the input may be
/// [B, in]. Each layer is Linear → ReLU → Dropout (AITM's first script; no batch norm). The first layer is one product with
/// the n weight matrices side by side, every later one a batched product, instead of many small ones. On the CPU a block of rows goes through all layers at once.
/// </summary>
public sealed class TowerBank : Module<Tensor, Tensor>
{
    private readonly int inputs;
    private readonly int each;
    private readonly IReadOnlyList<int> widths;
    private readonly IReadOnlyList<double> dropout;
    private readonly List<Parameter> weights = [];
    private readonly List<Parameter> biases = [];

    /// <summary>Towers over one shared input.</summary>
    /// <param name="towers">n, at least 1.</param>
    /// <param name="inputWidth">Width of the shared input.</param>
    /// <param name="widths">Width of each layer, the last is d; empty hands the input to every tower.</param>
    /// <param name="dropout">Share of units dropped after each layer while training, 0 to below 1; as many as layers.</param>
    public TowerBank(int towers, int inputWidth, IReadOnlyList<int> widths, IReadOnlyList<double> dropout)
        : this(1, towers, inputWidth, widths, dropout)
    {
    }

    /// <param name="inputs">G, at least 1.</param>
    /// <param name="each">n, towers over each input, at least 1.</param>
    /// <param name="inputWidth">Width of every input.</param>
    /// <param name="widths">Width of each layer, the last is d; empty hands its input to every tower.</param>
    /// <param name="dropout">Share of units dropped after each layer while training, 0 to below 1; as many as layers.</param>
    public TowerBank(int inputs, int each, int inputWidth, IReadOnlyList<int> widths, IReadOnlyList<double> dropout)
        : base(nameof(TowerBank))
    {
        if (widths.Count != dropout.Count)
        {
            throw new InputException($"{widths.Count} layers need as many dropout shares, but {dropout.Count} were given; give one a layer.");
        }

        this.inputs = inputs;
        this.each = each;
        this.widths = widths;
        this.dropout = dropout;
        OutputWidth = widths.Count == 0 ? inputWidth : widths[^1];
        for (var layer = 0; layer < widths.Count; layer++)
        {
            var (from, to) = (layer == 0 ? inputWidth : widths[layer - 1], widths[layer]);
            weights.Add(Initialisation.GlorotUniform(from, to, layer == 0 ? FirstSize(from, to) : [inputs * each, from, to]));
            biases.Add(Initialisation.Zeros(layer == 0 ? FirstBiasSize(to) : [inputs * each, 1, to]));
            register_parameter($"weight{layer}", weights[layer]);
            register_parameter($"bias{layer}", biases[layer]);
        }
    }

    /// <summary>d.</summary>
    public int OutputWidth { get; }

    /// <summary>Dropped after each layer while training.</summary>
    internal IReadOnlyList<double> Dropout => dropout;

    /// <summary>The layers' weights, then their biases.</summary>
    internal IEnumerable<Parameter> Learned => [.. weights, .. biases];

    /// <param name="input">[G, B, in], or [B, in] where G = 1</param>
    /// <returns>[G·n, B, d]</returns>
    public override Tensor forward(Tensor input)
    {
        var given = inputs == 1 && input.dim() == 3 ? input.select(0, 0) : input;
        if (widths.Count == 0)
        {
            return Repeated(given);
        }

#if !TORCH_PACKAGE
        if (TorchSharp.Accelerated.Fused.Serves(given))
        {
            return AtOnce(given);
        }
#endif
        var hidden = inputs == 1 ? FirstOfOne(given) : FirstOfMany(given);               // [G·n, B, h]
        for (var layer = 1; layer < widths.Count; layer++)
        {
            hidden = Activated(baddbmm(biases[layer], hidden, weights[layer]), layer);   // [G·n, B, h]
        }

        return hidden;
    }

#if !TORCH_PACKAGE
    private Tensor AtOnce(Tensor input)
    {
        Span<double> shares = stackalloc double[widths.Count];
        for (var layer = 0; layer < widths.Count && training; layer++)
        {
            shares[layer] = dropout[layer];
        }

        var hidden = TorchSharp.Accelerated.Fused.Towers(input, weights, biases, shares);
        return widths.Count == 1 ? Apart(hidden) : hidden;
    }
#endif

    private Tensor FirstOfOne(Tensor input) => Apart(Activated(addmm(biases[0], input, weights[0]), 0).unsqueeze(0));

    private Tensor FirstOfMany(Tensor input) => Apart(Activated(baddbmm(biases[0], input, weights[0]), 0));

    /// <summary>The first layer, [G, B, n·h] → [G·n, B, h].</summary>
    private Tensor Apart(Tensor hidden)
    {
        if (each == 1)
        {
            return hidden;
        }

        var batch = hidden.shape[1];
        var parted = hidden.view(inputs, batch, each, widths[0]).transpose(1, 2);        // [G, n, B, h]
        return inputs == 1 ? parted.select(0, 0) : parted.reshape(inputs * each, batch, widths[0]);
    }

    private Tensor Repeated(Tensor input) => inputs == 1
        ? input.unsqueeze(0).expand(each, input.shape[0], input.shape[1])
        : input.repeat_interleave(each, 0);

    private Tensor Activated(Tensor hidden, int layer) => Rectifier.Of(hidden, dropout[layer], training);

    private long[] FirstSize(int from, int to) => inputs == 1 ? [from, each * to] : [inputs, from, each * to];

    private long[] FirstBiasSize(int to) => inputs == 1 ? [each * to] : [inputs, 1, each * to];
}
