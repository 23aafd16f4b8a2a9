using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// HTLNet's label embedding unit (RecSys'24): what a stage believes, as a vector. Of a table E [2, L] (row 0 = label 1, row 1 =
/// label 0) the Gumbel-softmax of p takes le = w E_0 + (1 − w) E_1. A softmax over two is a sigmoid, and the difference of two
/// Gumbel draws is logistic, so w = sigmoid((z + g) / τ) with z = logit p and g ~ Logistic(0, 1).
/// While training g is drawn from Torch's generator and τ is the given one; otherwise g = 0 and τ = 1, so that w = p.
/// p is cut from the gradient; E learns from the stages after it.
/// </summary>
public sealed class LabelEmbedding : Module<Tensor, Tensor>
{
    private readonly Parameter table;
    private readonly double temperature;
    private readonly bool detached;

    /// <param name="width">L</param>
    /// <param name="temperature">τ while training, above 0.</param>
    /// <param name="detached">Whether E too is cut, and so stays as it was drawn.</param>
    public LabelEmbedding(int width, double temperature, bool detached) : base(nameof(LabelEmbedding))
    {
        (this.temperature, this.detached) = (temperature, detached);
        table = Initialisation.GlorotUniform(2, width, 2, width);
        register_parameter("table", table);
    }

    /// <param name="logit">z, [B, 1]</param>
    /// <returns>le, [B, L]</returns>
    public override Tensor forward(Tensor logit)
    {
        if (!training)
        {
            return Mixed(logit, null, 1);
        }

        var uniform = rand_like(logit.detach());
        return Mixed(logit, uniform.log() - (1 - uniform).log(), temperature);
    }

    /// <param name="logit">z, [B, 1]</param>
    /// <param name="noise">g = g_1 − g_0, [B, 1]; null for none</param>
    /// <param name="temperature">τ, above 0</param>
    /// <returns>le, [B, L]</returns>
    public Tensor Mixed(Tensor logit, Tensor? noise, double temperature)
    {
        var believed = logit.detach();
        var share = sigmoid((noise is null ? believed : believed + noise) / temperature);           // w, [B, 1]
        var labels = detached ? table.detach() : table;
        return share * labels.narrow(0, 0, 1) + (1 - share) * labels.narrow(0, 1, 1);
    }
}
