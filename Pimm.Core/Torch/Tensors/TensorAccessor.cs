using System.Collections;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchSharp.Utils;

/// <summary>The elements of a tensor in row-major order, read from native memory (a copy of it for a tensor that is not contiguous).</summary>
public sealed class TensorAccessor<T> : IReadOnlyList<T> where T : unmanaged
{
    private readonly Tensor tensor;
    private readonly bool copied;

    internal TensorAccessor(Tensor tensor)
    {
        copied = !tensor.is_contiguous();
        this.tensor = copied ? tensor.detach().contiguous().DetachFromDisposeScope() : tensor;
        Count = this.tensor.NumberOfElements;
    }

    public long Count { get; }

    int IReadOnlyCollection<T>.Count => checked((int)Count);

    public T this[long index]
    {
        get
        {
            var number = Elements()[checked((int)index)];
            GC.KeepAlive(tensor);
            return number;
        }
        set
        {
            Writable()[checked((int)index)] = value;
            GC.KeepAlive(tensor);
        }
    }

    T IReadOnlyList<T>.this[int index] => this[index];

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(arrayIndex), tensorIndex: tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var elements = Elements()[checked((int)tensorIndex)..];
        var room = array[arrayIndex..];
        elements[..Math.Min(elements.Length, room.Length)].CopyTo(room);
        GC.KeepAlive(tensor);
    }

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        array[arrayIndex..].CopyTo(Writable()[checked((int)tensorIndex)..]);
        GC.KeepAlive(tensor);
    }

    public T[] ToArray()
    {
        var copy = Elements().ToArray();
        GC.KeepAlive(tensor);
        return copy;
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long i = 0; i < Count; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // A tensor that nobody else holds may be collected while its memory is read: whoever takes these keeps it alive.
    private ReadOnlySpan<T> Elements() => MemoryMarshal.Cast<byte, T>(tensor.bytes);

    private Span<T> Writable() => copied
        ? throw new TorchException($"data({tensor.Describe()}): the tensor is not contiguous and cannot be written this way; call contiguous() first.")
        : MemoryMarshal.Cast<byte, T>(tensor.bytes);
}
