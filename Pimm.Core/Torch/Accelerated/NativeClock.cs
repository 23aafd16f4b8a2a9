namespace TorchSharp.Accelerated;

/// <summary>How long native code computes; for benchmarks of a process in which one thread at a time calls it.</summary>
public static class NativeClock
{
    /// <summary>Since <see cref="Start"/>.</summary>
    public static TimeSpan Spent => TimeSpan.FromTicks(NativeTorch.pimm_clock_nanoseconds() / TimeSpan.NanosecondsPerTick);

    public static void Start() => NativeTorch.pimm_clock(1);

    public static void Stop() => NativeTorch.pimm_clock(0);
}
