using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A copy of the numbers in the given shape (row-major). TorchSharp has one overload for each type of number.</summary>
    public static Tensor tensor<T>(T[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
        where T : unmanaged => Filled<T>(rawArray, dimensions.ToArray(), dtype, device, requires_grad);

    public static Tensor tensor<T>(T[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
        where T : unmanaged => Filled<T>(rawArray, [rawArray.LongLength], dtype, device, requires_grad);

    public static Tensor tensor<T>(T[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
        where T : unmanaged
    {
        long[] shape = [rawArray.GetLongLength(0), rawArray.GetLongLength(1)];
        ref byte first = ref MemoryMarshal.GetArrayDataReference(rawArray);
        var numbers = MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<byte, T>(ref first), rawArray.Length);
        return Filled(numbers, shape, dtype, device, requires_grad);
    }

    public static Tensor tensor<T>(T scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
        where T : unmanaged => Filled<T>([scalar], [], dtype, device, requires_grad);

    public static Tensor zeros(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.Zeros.Call(size, dtype, Argument.None, device), requires_grad);

    public static Tensor zeros(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        zeros([size], dtype, device, requires_grad);

    public static Tensor zeros(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        zeros([rows, columns], dtype, device, requires_grad);

    public static Tensor ones(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.Ones.Call(size, dtype, Argument.None, device), requires_grad);

    public static Tensor ones(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        ones([size], dtype, device, requires_grad);

    public static Tensor ones(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        ones([rows, columns], dtype, device, requires_grad);

    public static Tensor empty(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.Empty.Call(size, dtype, Argument.None, device), requires_grad);

    public static Tensor empty(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        empty([size], dtype, device, requires_grad);

    public static Tensor empty(long rows, long columns, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        empty([rows, columns], dtype, device, requires_grad);

    public static Tensor full(long[] size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.Full.Call(size, value, dtype, Argument.None, device), requires_grad);

    public static Tensor full(long size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        full([size], value, dtype, device, requires_grad);

    public static Tensor full(long rows, long columns, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        full([rows, columns], value, dtype, device, requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.Arange.Call(start, stop, step, dtype, Argument.None, device), requires_grad);

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null) =>
        Ops.Linspace.Call(start, end, steps, dtype, Argument.None, device);

    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.ZerosLike.Call(input, dtype, Argument.None, device), requires_grad);

    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.OnesLike.Call(input, dtype, Argument.None, device), requires_grad);

    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.EmptyLike.Call(input, dtype, Argument.None, device), requires_grad);

    public static Tensor full_like(Tensor input, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Ops.FullLike.Call(input, value, dtype, Argument.None, device), requires_grad);

    /// <summary>
    /// A tensor over the array's own memory, which stays pinned until the last tensor over it is gone.
    /// <paramref name="count"/> -1 takes all elements; <paramref name="offset"/> counts elements.
    /// </summary>
    public static unsafe Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        long size = SizeOf(dtype);
        long available = Buffer.ByteLength(rawArray) / size - offset;
        if (offset < 0 || available < 0 || count > available || count < -1)
            throw new ArgumentException($"frombuffer: {count} elements from {offset} are not inside an array of {Buffer.ByteLength(rawArray) / size} elements of type {NameOf(dtype)}.");
        long length = count == -1 ? available : count;
        var pin = GCHandle.Alloc(rawArray, GCHandleType.Pinned);
        void* first = (byte*)pin.AddrOfPinnedObject() + offset * size;
        int failed = NativeTorch.pimm_tensor_over(first, &length, 1, (int)dtype, &Unpin, GCHandle.ToIntPtr(pin), out nint made);
        if (failed != 0)
            pin.Free();
        NativeTorch.Check(failed, "frombuffer");
        return Made(new Tensor(made), requires_grad);
    }

    public static Tensor from_array(Array rawArray)
    {
        var type = rawArray switch
        {
            float[] => ScalarType.Float32,
            double[] => ScalarType.Float64,
            long[] => ScalarType.Int64,
            int[] => ScalarType.Int32,
            byte[] => ScalarType.Byte,
            bool[] => ScalarType.Bool,
            _ => throw new ArgumentException($"from_array takes one-dimensional arrays of numbers, not {rawArray.GetType().Name}."),
        };
        using var shared = frombuffer(rawArray, type);
        return shared.clone();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Unpin(nint pin) => GCHandle.FromIntPtr(pin).Free();

    private static Tensor Filled<T>(ReadOnlySpan<T> numbers, long[] shape, ScalarType? dtype, Device? device, bool requires_grad)
        where T : unmanaged
    {
        long expected = 1;
        foreach (long length in shape)
            expected *= length;
        if (expected != numbers.Length)
            throw new ArgumentException($"tensor: {numbers.Length} numbers do not fill the shape [{string.Join(",", shape)}] of {expected}.");

        var made = empty(shape, TypeOf<T>());
        MemoryMarshal.AsBytes(numbers).CopyTo(made.bytes);
        if (dtype is { } type && type != made.dtype)
            made = made.to(type, disposeAfter: true);
        if (device is not null && device.type != DeviceType.CPU)
            made = made.to(device, disposeAfter: true);
        return Made(made, requires_grad);
    }

    private static Tensor Made(Tensor tensor, bool requires_grad)
    {
        if (requires_grad)
            tensor.requires_grad = true;
        return tensor;
    }
}
