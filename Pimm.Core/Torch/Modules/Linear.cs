using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>y = x Wᵀ + b. Starts uniform in ±1/√inputs, as PyTorch does.</summary>
    public sealed class Linear : Module<Tensor, Tensor>
    {
        public Linear(long inputSize, long outputSize, bool hasBias = true, Device? device = null, ScalarType? dtype = null) : base(nameof(Linear))
        {
            double bound = inputSize > 0 ? 1 / Math.Sqrt(inputSize) : 0;
            weight = new Parameter(empty([outputSize, inputSize], dtype, device));
            init.uniform_(weight, -bound, bound);
            register_parameter(nameof(weight), weight);
            if (!hasBias)
                return;
            bias = new Parameter(empty([outputSize], dtype, device));
            init.uniform_(bias, -bound, bound);
            register_parameter(nameof(bias), bias);
        }

        /// <summary>[outputs, inputs].</summary>
        public Parameter weight { get; }

        public Parameter? bias { get; }

        public override Tensor forward(Tensor input) => functional.linear(input, weight, bias);
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device? device = null, ScalarType? dtype = null) =>
                new(inputSize, outputSize, hasBias, device, dtype);
        }
    }
}
