using System.Globalization;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>Another wall clock for one process (Debian's libfaketime); its stopwatches stay true.</summary>
internal static class FakeClock
{
    /// <summary>Environment of a process whose clock is ahead, or behind.</summary>
    public static IReadOnlyDictionary<string, string> Ahead(TimeSpan by) => new Dictionary<string, string>
    {
        ["LD_PRELOAD"] = Library(),
        ["FAKETIME"] = string.Create(CultureInfo.InvariantCulture, $"{by.TotalSeconds:+0;-0}"),
        ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
    };

    private static string Library() =>
        Directory.GetDirectories("/usr/lib").Append("/usr/lib").Select(folder => Path.Combine(folder, "faketime", "libfaketime.so.1")).FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("The fault tests need libfaketime and found none: apt install libfaketime.");
}
