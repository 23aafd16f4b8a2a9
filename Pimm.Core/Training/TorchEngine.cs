using static TorchSharp.torch;

namespace Pimm.Core.Training;

/// <summary>What a training has of Torch/Accelerated, which TorchSharp's package does not have: there the plain way serves.</summary>
internal static class TorchEngine
{
    /// <summary>Steps that take the same memory again and again do not give it back to the system in between.</summary>
    public static void Prepare()
    {
#if !TORCH_PACKAGE
        TorchSharp.Accelerated.NativeMemory.KeepForReuse();
#endif
    }

    /// <summary>Bytes free on a device; null where it does not say.</summary>
    public static long? FreeMemory(Device device)
    {
#if !TORCH_PACKAGE
        return TorchSharp.Accelerated.NativeMemory.FreeOn(device);
#else
        return null;
#endif
    }
}
