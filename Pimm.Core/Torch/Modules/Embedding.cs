using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>A row of numbers for each id. Ids may be int or long. Starts normal(0, 1), as PyTorch does; the padding row is zero and stays so.</summary>
    public sealed class Embedding : Module<Tensor, Tensor>
    {
        private readonly long padding;

        public Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, Device? device = null, ScalarType? dtype = null) : base(nameof(Embedding))
        {
            padding = padding_idx ?? -1;
            weight = new Parameter(empty([num_embeddings, embedding_dims], dtype, device));
            init.normal_(weight);
            if (padding_idx is { } row)
            {
                using var _ = no_grad();
                using var padded = weight.select(0, row);
                padded.zero_();
            }
            register_parameter(nameof(weight), weight);
        }

        /// <summary>[ids, dimensions].</summary>
        public Parameter weight { get; }

        public override Tensor forward(Tensor input) => Ops.Embedding.Call(weight, input, padding);
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, Device? device = null, ScalarType? dtype = null) =>
                new(num_embeddings, embedding_dims, padding_idx, device, dtype);
        }
    }
}
