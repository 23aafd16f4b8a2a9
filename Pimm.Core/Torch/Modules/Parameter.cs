using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>A tensor that training changes. It takes over the memory of the tensor it is made of, which cannot be used afterwards.</summary>
    public sealed class Parameter : Tensor
    {
        public Parameter(Tensor data, bool requires_grad = true) : base(data) => this.requires_grad = requires_grad;

        internal void ClearGradient(bool toNone)
        {
            if (toNone)
            {
                grad = null;
                return;
            }
            using var gradient = grad;
            if (gradient is null)
                return;
            using var _ = no_grad();
            gradient.detach_().zero_();
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }

        public partial class Tensor
        {
            /// <summary>Replaces the memory by a copy on another device or of another type; the object stays the one its module and optimizer know.</summary>
            internal void Become(Device? device, ScalarType? type)
            {
                var wanted = type is { } given && IsFraction(dtype) ? given : dtype;
                using var _ = no_grad();
                using var moved = detach().to(wanted, device ?? this.device, copy: true, disposeAfter: true);
                moved.requires_grad = requires_grad;
                moved.DetachFromDisposeScope();
                handle!.Dispose();
                (handle, moved.handle) = (moved.handle, null);
            }

            private static bool IsFraction(ScalarType type) =>
                type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;
        }
    }
}
