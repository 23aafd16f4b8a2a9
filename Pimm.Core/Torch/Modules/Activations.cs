using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    public sealed class ReLU(bool inplace = false) : Module<Tensor, Tensor>(nameof(ReLU))
    {
        public override Tensor forward(Tensor input) => functional.relu(input, inplace);
    }

    public sealed class Sigmoid() : Module<Tensor, Tensor>(nameof(Sigmoid))
    {
        public override Tensor forward(Tensor input) => input.sigmoid();
    }

    public sealed class Tanh() : Module<Tensor, Tensor>(nameof(Tanh))
    {
        public override Tensor forward(Tensor input) => input.tanh();
    }

    public sealed class Identity() : Module<Tensor, Tensor>(nameof(Identity))
    {
        public override Tensor forward(Tensor input) => input.alias();
    }

    /// <summary>In training, zeroes each element with probability p and divides the rest by 1 − p; otherwise passes everything on.</summary>
    public sealed class Dropout(double p = 0.5, bool inplace = false) : Module<Tensor, Tensor>(nameof(Dropout))
    {
        public override Tensor forward(Tensor input) => functional.dropout(input, p, training, inplace);
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.ReLU ReLU(bool inplace = false) => new(inplace);

            public static Modules.Sigmoid Sigmoid() => new();

            public static Modules.Tanh Tanh() => new();

            public static Modules.Identity Identity() => new();

            public static Modules.Dropout Dropout(double p = 0.5, bool inplace = false) =>
                p is >= 0 and <= 1 ? new(p, inplace) : throw new ArgumentException($"Dropout: p is {p}, it must be between 0 and 1.", nameof(p));
        }
    }
}
