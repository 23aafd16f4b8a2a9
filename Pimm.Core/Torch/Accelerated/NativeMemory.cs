namespace TorchSharp.Accelerated;

/// <summary>How native memory is handed back.</summary>
internal static class NativeMemory
{
    /// <summary>From now on this process keeps what tensors give back, for the next step to take again. For processes that train.</summary>
    public static void KeepForReuse() => NativeTorch.pimm_keep_memory();

    /// <summary>Bytes free on a CUDA device; null where it does not say, and for the CPU.</summary>
    public static long? FreeOn(torch.Device device) =>
        device.type == DeviceType.CUDA && NativeTorch.pimm_cuda_memory(Math.Max(device.index, 0), out long free, out _) == 0 ? free : null;
}
