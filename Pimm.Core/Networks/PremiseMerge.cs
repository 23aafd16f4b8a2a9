using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>The σ of PIMM's equation 5, which the paper leaves undefined (ambiguity A1).</summary>
public enum PremiseActivation
{
    Sigmoid,
    Tanh,
    Relu,
}

/// <summary>How the representation of the stage before is handed on (ambiguity A3).</summary>
public enum TransferLayer
{
    /// <summary>Linear → ReLU → Dropout, AITM's transfer layer.</summary>
    Relu,

    /// <summary>Linear alone.</summary>
    Linear,
}

/// <summary>How the premise's weight W starts (ambiguity A9).</summary>
public enum PremiseStart
{
    /// <summary>Glorot uniform on [1, d].</summary>
    Glorot,

    /// <summary>N(0, 0.01²): Z is nearly the same for both labels, so the premise cannot be seen at first.</summary>
    SmallNormal,
}

/// <summary>
/// PIMM's prior information module (SIGIR'23, equations 5 and 6): state U_{t−1} [B, d] and premise y* [B, 1] →
/// σ(y* W) + H, with H = FC(U_{t−1}) [B, d]. With the sigmoid a premise of 0 gives 0.5 in every coordinate: "no" is a
/// constant, not nothing. Whether y* is a label or a prediction is decided by the caller, who also cuts its gradient.
/// A part that is switched off adds nothing and has no parameters; with both off the result is 0.
/// </summary>
public sealed class PremiseMerge : Module<Tensor, Tensor, Tensor>
{
    private readonly Parameter? transferWeight;
    private readonly Parameter? transferBias;
    private readonly Parameter? premiseWeight;
    private readonly Parameter? premiseBias;
    private readonly PimmOptions options;

    /// <param name="width">d</param>
    public PremiseMerge(int width, PimmOptions options) : base(nameof(PremiseMerge))
    {
        this.options = options;
        if (options.Implicit)
        {
            transferWeight = Initialisation.GlorotUniform(width, width, width, width);
            transferBias = Initialisation.Zeros(width);
        }

        if (options.Premise)
        {
            premiseWeight = options.PremiseStart == PremiseStart.Glorot
                ? Initialisation.GlorotUniform(1, width, 1, width)
                : Initialisation.SmallNormal(1, width);
            premiseBias = options.PremiseBias ? Initialisation.Zeros(width) : null;
        }

        register_parameter("transferWeight", transferWeight);
        register_parameter("transferBias", transferBias);
        register_parameter("premiseWeight", premiseWeight);
        register_parameter("premiseBias", premiseBias);
    }

    /// <summary>FC's weight [d, d] and bias [d], W [1, d]; those that the options leave.</summary>
    internal IEnumerable<Parameter> Learned => new[] { transferWeight, transferBias, premiseWeight, premiseBias }.OfType<Parameter>();

    /// <param name="state">U_{t−1}, [B, d]</param>
    /// <param name="premise">y*_{t−1}, [B, 1], without a gradient</param>
    /// <returns>Zm = Z + H, [B, d]</returns>
    public override Tensor forward(Tensor state, Tensor premise) => (premiseWeight, transferWeight) switch
    {
        (null, null) => zeros_like(state),
        (null, _) => Implicit(state),
        (_, null) => Explicit(premise),
        _ => Explicit(premise) + Implicit(state),
    };

    /// <summary>Z = σ(y* W), [B, 1] → [B, d]; only with the premise.</summary>
    public Tensor Explicit(Tensor premise)
    {
        var projected = premise * premiseWeight!;                           // [B, d]
        projected = premiseBias is null ? projected : projected + premiseBias;
        return options.PremiseActivation switch
        {
            PremiseActivation.Sigmoid => sigmoid(projected),
            PremiseActivation.Tanh => tanh(projected),
            _ => functional.relu(projected),
        };
    }

    /// <summary>H = FC(U), [B, d] → [B, d]; only with the implicit information.</summary>
    public Tensor Implicit(Tensor state)
    {
        var handed = addmm(transferBias!, options.DetachImplicit ? state.detach() : state, transferWeight!);
        if (options.TransferLayer == TransferLayer.Linear)
        {
            return handed;
        }

        return Rectifier.Of(handed, options.TransferDropout, training);
    }
}
