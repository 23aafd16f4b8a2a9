using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pimm.Core.Networks;

/// <summary>
/// Parameters as they are before the first step, drawn from Torch's generator (<c>torch.manual_seed</c>): dense layers by Glorot,
/// biases 0, embeddings and attention N(0, 0.01²), as in AITM's public code, which PIMM says it follows.
/// </summary>
public static class Initialisation
{
    /// <summary>The standard deviation of embeddings and attention matrices in AITM's code.</summary>
    public const double SmallDeviation = 0.01;

    /// <summary>Uniform on ±√(6 / (fanIn + fanOut)).</summary>
    public static Parameter GlorotUniform(int fanIn, int fanOut, params long[] size)
    {
        var bound = Math.Sqrt(6.0 / (fanIn + fanOut));
        return Drawn(size, values => values.uniform_(-bound, bound));
    }

    public static Parameter SmallNormal(params long[] size) => Drawn(size, values => values.normal_(0, SmallDeviation));

    public static Parameter Zeros(params long[] size) => Drawn(size, values => values.zero_());

    // A parameter outlives the scope it is made in; what is made on the way does not.
    private static Parameter Drawn(long[] size, Func<Tensor, Tensor> draw)
    {
        using var scope = NewDisposeScope();
        var values = empty(size);
        draw(values);
        var parameter = nn.Parameter(values);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
