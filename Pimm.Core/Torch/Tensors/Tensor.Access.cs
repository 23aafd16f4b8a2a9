using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>The raw elements of a contiguous tensor on the CPU, to read or to write. Valid while the tensor lives.</summary>
        public unsafe Span<byte> bytes
        {
            get
            {
                var native = Native();
                if (native.DeviceType != 0)
                    throw new TorchException($"bytes({Describe()}): the tensor lies on {device}; call cpu() first.");
                if (native.Contiguous == 0)
                    throw new TorchException($"bytes({Describe()}): the tensor is not contiguous; call contiguous() first.");
                return new Span<byte>((void*)native.Storage, checked((int)(native.Elements * SizeOf((ScalarType)native.Type))));
            }
            set
            {
                var room = bytes;
                if (value.Length != room.Length)
                    throw new ArgumentException($"{Describe()} has {room.Length} bytes, {value.Length} were given.");
                value.CopyTo(room);
            }
        }

        /// <summary>The elements as numbers of type <typeparamref name="T"/>, which must be the tensor's own.</summary>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            if (TypeOf<T>() != dtype)
                throw new ArgumentException($"{Describe()} holds {NameOf(dtype)}, {typeof(T).Name} was asked for.");
            return new TensorAccessor<T>(this);
        }

        /// <summary>The one element of a tensor that has one.</summary>
        public unsafe T item<T>() where T : unmanaged
        {
            var native = Native();
            if (native.Elements != 1)
                throw new ArgumentException($"{Describe()} has {native.Elements} elements; item needs one.");
            if (native.DeviceType != 0 || (ScalarType)native.Type != TypeOf<T>())
                return data<T>()[0];
            // Read where it lies: an accessor would be garbage.
            T number = *(T*)native.Storage;
            GC.KeepAlive(this);
            return number;
        }

        public Scalar ToScalar() => Ops.Item.CallScalar(this);

        public double ToDouble() => ToScalar().ToDouble();

        public float ToSingle() => ToScalar().ToSingle();

        public long ToInt64() => ToScalar().ToInt64();

        public int ToInt32() => ToScalar().ToInt32();

        public bool ToBoolean() => ToScalar().ToBoolean();

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Done(Ops.ToType.Call(this, type, non_blocking, copy), disposeAfter);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Done(Ops.ToDevice.Call(this, device, dtype, non_blocking, copy), disposeAfter);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Done(Ops.ToDevice.Call(this, device, type, non_blocking, copy), disposeAfter);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(type, copy, disposeAfter, non_blocking);

        public Tensor type_as(Tensor other) => to(other.dtype);

        public Tensor cpu() => to(CPU);

        public Tensor cuda() => to(CUDA);

        public Tensor @float() => to(ScalarType.Float32);

        public Tensor @double() => to(ScalarType.Float64);

        public Tensor @long() => to(ScalarType.Int64);

        public Tensor @int() => to(ScalarType.Int32);

        public Tensor @bool() => to(ScalarType.Bool);

        public Tensor clone() => Ops.Clone.Call(this);

        public Tensor contiguous() => Ops.Contiguous.Call(this);

        public Tensor alias() => Ops.Alias.Call(this);

        public override string ToString() => NumberOfElements == 1 && dtype != ScalarType.Bool
            ? $"{Describe()} {ToScalar()}"
            : Describe();

        private Tensor Done(Tensor result, bool disposeAfter)
        {
            if (disposeAfter)
                Dispose();
            return result;
        }
    }
}
