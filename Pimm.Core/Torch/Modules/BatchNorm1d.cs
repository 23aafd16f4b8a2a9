using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>
    /// Centres and scales each feature: in training by the batch's own mean and variance, else by the running ones,
    /// which move by <c>momentum</c> a batch.
    /// </summary>
    public sealed class BatchNorm1d : Module<Tensor, Tensor>
    {
        private readonly double eps;
        private readonly double momentum;

        public BatchNorm1d(long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null)
            : base(nameof(BatchNorm1d))
        {
            this.eps = eps;
            this.momentum = momentum;
            if (affine)
            {
                register_parameter(nameof(weight), weight = new Parameter(ones(num_features, dtype, device)));
                register_parameter(nameof(bias), bias = new Parameter(zeros(num_features, dtype, device)));
            }
            if (!track_running_stats)
                return;
            register_buffer(nameof(running_mean), running_mean = zeros(num_features, dtype, device));
            register_buffer(nameof(running_var), running_var = ones(num_features, dtype, device));
            register_buffer(nameof(num_batches_tracked), num_batches_tracked = zeros([], ScalarType.Int64, device));
        }

        public Parameter? weight { get; }

        public Parameter? bias { get; }

        public Tensor? running_mean { get; }

        public Tensor? running_var { get; }

        public Tensor? num_batches_tracked { get; }

        /// <summary>[batch, features] or [batch, features, length].</summary>
        public override Tensor forward(Tensor input)
        {
            if (input.dim() is not (2 or 3))
                throw new ArgumentException($"BatchNorm1d: {input.Describe()} has {input.dim()} dimensions, 2 or 3 are needed.");
            if (training && num_batches_tracked is not null)
                num_batches_tracked.add_(1);
            bool ownStatistics = training || running_mean is null;
            return Ops.BatchNorm.Call(input, weight, bias, running_mean, running_var, ownStatistics, momentum, eps, false);
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.BatchNorm1d BatchNorm1d(long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);
        }
    }
}
