using System.Diagnostics;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// An array of numbers of one type on one device, with the operations that made it where gradients are recorded.
    /// The memory is native: dispose it, or let the <see cref="DisposeScope"/> that was open when it was made do so.
    /// </summary>
    [DebuggerDisplay("{Describe()}")]
    public partial class Tensor : IDisposable
    {
        private TensorHandle? handle;

        internal Tensor(nint native) : this(new TensorHandle(native)) { }

        private Tensor(TensorHandle owned)
        {
            handle = owned;
            DisposeScopeManager.Adopt(this);
        }

        /// <summary>Takes over another tensor's memory; the other is as good as disposed.</summary>
        private protected Tensor(Tensor other)
        {
            handle = other.Handle;
            other.handle = null;
            var scope = other.OwningDisposeScope;
            other.DetachFromDisposeScope();
            scope?.Include(this);
        }

        /// <summary>Tensors of the whole process whose memory has not been given back.</summary>
        public static long TotalCount => TensorHandle.Live;

        /// <summary>The most there were at one time.</summary>
        public static long PeakCount => TensorHandle.Peak;

        public bool IsInvalid => handle is null or { IsClosed: true };

        public long[] shape => Shape();

        public long[] size() => Shape();

        public long size(long dim)
        {
            var lengths = Shape();
            return lengths[(int)(dim < 0 ? dim + lengths.Length : dim)];
        }

        public long dim() => Native().Dimensions;

        public long ndim => Native().Dimensions;

        public long NumberOfElements => Native().Elements;

        public long numel() => Native().Elements;

        public ScalarType dtype => (ScalarType)Native().Type;

        public Device device
        {
            get
            {
                var native = Native();
                return native.DeviceType == 0 ? CPU : new Device((DeviceType)native.DeviceType, native.DeviceIndex);
            }
        }

        public DeviceType device_type => (DeviceType)Native().DeviceType;

        public bool is_contiguous() => Native().Contiguous != 0;

        internal TensorHandle Handle => handle ?? throw new ObjectDisposedException(nameof(Tensor), "This tensor has been disposed, or its memory became a parameter's.");

        internal DisposeScope? OwningDisposeScope { get; set; }

        public void Dispose()
        {
            OwningDisposeScope?.Forget(this);
            OwningDisposeScope = null;
            handle?.Dispose();
            handle = null;
            GC.SuppressFinalize(this);
        }

        /// <summary>Leaves the scope that would dispose it, for the one around that scope.</summary>
        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            if (OwningDisposeScope is { } scope)
                scope.MoveToOther(other, this);
            else
                other.Attach(this);
            return this;
        }

        /// <summary>No scope disposes it any more: the caller has to.</summary>
        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        /// <summary>Type and shape, as in <c>float[2,3]</c>.</summary>
        internal string Describe() => IsInvalid ? "disposed" : $"{NameOf(dtype)}[{string.Join(",", Shape())}]";

        internal unsafe NativeDescription Native()
        {
            NativeTorch.Check(NativeTorch.pimm_tensor_describe(Handle, out var native, null, 0), "describe");
            return native;
        }

        private unsafe long[] Shape()
        {
            const int Usual = 8;
            long* lengths = stackalloc long[Usual];
            NativeTorch.Check(NativeTorch.pimm_tensor_describe(Handle, out var native, lengths, Usual), "shape");
            if (native.Dimensions <= Usual)
                return new ReadOnlySpan<long>(lengths, native.Dimensions).ToArray();

            var shape = new long[native.Dimensions];
            fixed (long* many = shape)
                NativeTorch.Check(NativeTorch.pimm_tensor_describe(Handle, out _, many, shape.Length), "shape");
            return shape;
        }
    }
}
