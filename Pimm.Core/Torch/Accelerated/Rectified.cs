using static TorchSharp.torch;

namespace TorchSharp.Accelerated;

/// <summary>ReLU and dropout in one pass over memory, with masks that any number of threads can draw (Native/masks.h).</summary>
internal static class Rectified
{
    /// <summary>
    /// relu(input) of which a share is 0 and the rest scaled up. Its mask follows from one draw of Torch's generator, so it is another
    /// than <see cref="nn.functional.dropout"/>'s, which stays what is used on a device and for other types.
    /// </summary>
    /// <param name="share">0 to below 1</param>
    public static Tensor WithDropout(Tensor input, double share)
    {
        if (input.device_type != DeviceType.CPU || input.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            return nn.functional.dropout(input.relu(), share);
        NativeTorch.Check(NativeTorch.pimm_relu_dropout(input.Handle, share, out nint result), $"relu_dropout({input.Describe()}, {share})");
        return new Tensor(result);
    }
}
