using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// T towers of the same shape over one shared input: [B, in] → [T, B, d]. Each layer is Linear → ReLU → Dropout (AITM's first
/// script; no batch norm). All towers run at once: the first layer is one product with the T weight matrices side by side,
/// every later one a batched product, instead of T small ones.
/// </summary>
public sealed class TaskTowers : Module<Tensor, Tensor>
{
    private readonly int tasks;
    private readonly IReadOnlyList<int> widths;
    private readonly IReadOnlyList<double> dropout;
    private readonly List<Parameter> weights = [];
    private readonly List<Parameter> biases = [];

    /// <param name="tasks">T, at least 1.</param>
    /// <param name="inputWidth">Width of the shared input.</param>
    /// <param name="widths">Width of each layer, the last is d; empty hands the input to every task.</param>
    /// <param name="dropout">Share of units dropped after each layer while training, 0 to below 1; as many as layers.</param>
    public TaskTowers(int tasks, int inputWidth, IReadOnlyList<int> widths, IReadOnlyList<double> dropout) : base(nameof(TaskTowers))
    {
        if (widths.Count != dropout.Count)
        {
            throw new InputException($"{widths.Count} layers need as many dropout shares, but {dropout.Count} were given; give one a layer.");
        }

        this.tasks = tasks;
        this.widths = widths;
        this.dropout = dropout;
        OutputWidth = widths.Count == 0 ? inputWidth : widths[^1];
        for (var layer = 0; layer < widths.Count; layer++)
        {
            var (from, to) = (layer == 0 ? inputWidth : widths[layer - 1], widths[layer]);
            long[] size = layer == 0 ? [from, tasks * (long)to] : [tasks, from, to];
            long[] biasSize = layer == 0 ? [tasks * (long)to] : [tasks, 1, to];
            weights.Add(Initialisation.GlorotUniform(from, to, size));
            biases.Add(Initialisation.Zeros(biasSize));
            register_parameter($"weight{layer}", weights[layer]);
            register_parameter($"bias{layer}", biases[layer]);
        }
    }

    /// <summary>d.</summary>
    public int OutputWidth { get; }

    /// <param name="input">[B, in]</param>
    /// <returns>[T, B, d]</returns>
    public override Tensor forward(Tensor input)
    {
        var batch = input.shape[0];
        if (widths.Count == 0)
        {
            return input.unsqueeze(0).expand(tasks, batch, input.shape[1]);
        }

        var hidden = addmm(biases[0], input, weights[0]);                            // [B, T·h]
        hidden = Activated(hidden, 0).view(batch, tasks, widths[0]).transpose(0, 1); // [T, B, h]
        for (var layer = 1; layer < widths.Count; layer++)
        {
            hidden = Activated(baddbmm(biases[layer], hidden, weights[layer]), layer);   // [T, B, h]
        }

        return hidden;
    }

    private Tensor Activated(Tensor hidden, int layer)
    {
        var active = functional.relu(hidden);
        return training && dropout[layer] > 0 ? functional.dropout(active, dropout[layer], training) : active;
    }
}
