namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public bool requires_grad
        {
            get => Native().RequiresGrad != 0;
            set => NativeTorch.Check(NativeTorch.pimm_tensor_require_gradient(Handle, value ? 1 : 0), $"requires_grad({Describe()})");
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        public bool is_leaf
        {
            get
            {
                NativeTorch.Check(NativeTorch.pimm_tensor_is_leaf(Handle, out int leaf), "is_leaf");
                return leaf != 0;
            }
        }

        /// <summary>The gradient collected by <see cref="backward"/>, or null. Every read makes a new handle to the same memory.</summary>
        public Tensor? grad
        {
            get
            {
                NativeTorch.Check(NativeTorch.pimm_tensor_gradient(Handle, out nint gradient), "grad");
                return gradient == 0 ? null : new Tensor(gradient);
            }
            set
            {
                using var held = new HeldTensor(value);
                NativeTorch.Check(NativeTorch.pimm_tensor_set_gradient(Handle, held.Native), $"grad({Describe()}) = {value?.Describe()}");
            }
        }

        /// <summary>Adds the gradient of this number to every leaf it was made from.</summary>
        public void backward(IList<Tensor>? grad_tensors = null, bool create_graph = false, bool retain_graph = false)
        {
            using var held = new HeldTensor(grad_tensors is { Count: > 0 } ? grad_tensors[0] : null);
            NativeTorch.Check(
                NativeTorch.pimm_backward(Handle, held.Native, retain_graph || create_graph ? 1 : 0, create_graph ? 1 : 0),
                $"backward({Describe()})");
        }

        public Tensor detach() => Ops.Detach.Call(this);

        public Tensor detach_() => Ops.DetachInPlace.CallInPlace(this);
    }

    /// <summary>Keeps an optional tensor's handle alive through a native call.</summary>
    internal readonly ref struct HeldTensor
    {
        private readonly TensorHandle? handle;

        public HeldTensor(Tensor? tensor)
        {
            if (tensor is null)
                return;
            bool held = false;
            tensor.Handle.DangerousAddRef(ref held);
            handle = tensor.Handle;
        }

        public nint Native => handle?.DangerousGetHandle() ?? 0;

        public void Dispose() => handle?.DangerousRelease();
    }
}
