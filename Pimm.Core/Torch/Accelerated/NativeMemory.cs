namespace TorchSharp.Accelerated;

/// <summary>How native memory is handed back.</summary>
internal static class NativeMemory
{
    /// <summary>From now on this process keeps what tensors give back, for the next step to take again. For processes that train.</summary>
    public static void KeepForReuse() => NativeTorch.pimm_keep_memory();
}
