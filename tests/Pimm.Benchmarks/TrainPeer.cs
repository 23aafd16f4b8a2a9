using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Pimm.Benchmarks;

/// <summary>What some training steps took: of the clock, and of all processors together.</summary>
internal sealed record Turn(double Seconds, double ProcessorSeconds);

/// <summary>
/// Plain PyTorch in a process of its own, which trains only when it is its turn. Debian's PyTorch computes matrix products with the
/// reference BLAS, 15 to 30 times slower than anybody would bear; it is given ours instead, so that both multiply alike.
/// </summary>
internal sealed class TrainPeer : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly Process process;

    /// <param name="python">whose PyTorch is asked; null for Debian's</param>
    public TrainPeer(string root, string rows, string settings, string? python = null)
    {
        var start = new ProcessStartInfo(python ?? "/usr/bin/python3", [Path.Combine(root, "tests", "Pimm.Benchmarks", "peers", "train.py"), rows, settings])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        if (python is null)
        {
            start.Environment["LD_PRELOAD"] = Path.Combine(AppContext.BaseDirectory, "libpimmtorch.so");
        }

        process = Process.Start(start)!;
        Facts = Answer().Deserialize<PeerFacts>(Json)!;
    }

    public PeerFacts Facts { get; }

    public Turn Steps(int count)
    {
        process.StandardInput.WriteLine(count.ToString(CultureInfo.InvariantCulture));
        process.StandardInput.Flush();
        return Answer().Deserialize<Turn>(Json)!;
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    private JsonElement Answer() => process.StandardOutput.ReadLine() is { } line
        ? JsonSerializer.Deserialize<JsonElement>(line)
        : throw new InvalidOperationException("The PyTorch peer ended; what it said is above.");
}

/// <param name="Torch">its version</param>
/// <param name="Threads">the number that was fastest</param>
/// <param name="Device">the name of the device; null for the CPU</param>
internal sealed record PeerFacts(string Torch, int Threads, string? Device = null);
