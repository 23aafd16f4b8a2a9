using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>
/// libtorch refused an operation. The message names the operator and the types and shapes of its arguments, as in
/// <c>matmul(float[2,3], float[4,5]): mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)</c>.
/// An <see cref="ExternalException"/>, because that is what TorchSharp throws.
/// </summary>
public sealed class TorchException : ExternalException
{
    public TorchException(string message) : base(message) { }

    public TorchException(string message, Exception inner) : base(message, inner) { }
}
