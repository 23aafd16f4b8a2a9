using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Pimm.Core.Datasets;
using Pimm.Core.Training;
using TorchSharp;
using TorchSharp.Accelerated;

namespace Pimm.Benchmarks;

/// <param name="Case">what was looked at</param>
/// <param name="Bound">the most it may be</param>
internal sealed record MemoryResult(string Case, double Value, double Bound, string Unit)
{
    public bool Held => Value <= Bound;
}

/// <summary>
/// What ten thousand steps of the product's training loop leave behind, running mean and validations included, and how much of a step of
/// the paper's size is spent outside native code.
/// </summary>
internal sealed class MemoryBench(string folder)
{
    private const int StepsOfEpoch = 1_000;
    private const int Batch = 256;
    private const int StepsTimed = 200;
    private const int StepsBetweenReports = 20;
    private static readonly TrainShape Small = new("small", [5_000, 2_000, 500, 100, 20, 4], 8, 2);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static int Start(string[] arguments)
    {
        if (arguments is not ([] or ["--json"]))
        {
            Console.Error.WriteLine("memory takes --json and nothing else.");
            return 2;
        }

        var temporary = Directory.CreateTempSubdirectory("pimm-memory-");
        try
        {
            var bench = new MemoryBench(temporary.FullName);
            IReadOnlyList<MemoryResult> results = [.. Enum.GetValues<EmbeddingUpdates>().SelectMany(updates => (MemoryResult[])[.. bench.Left(updates), .. bench.Share(updates)])];
            Console.WriteLine(arguments is ["--json"]
                ? JsonSerializer.Serialize(new { bench = "memory", machine = SideBySide.Machine, results }, Json)
                : string.Join('\n', results.Select(Text).Append(SideBySide.Machine)));
            return results.All(result => result.Held) ? 0 : 1;
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private static string Text(MemoryResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{(result.Held ? "ok  " : "HIGH")}  {result.Case}: {result.Value:0.####} {result.Unit}, at most {result.Bound:0.##}");

    /// <summary>Ten thousand steps after a thousand to warm up, of half each mode's share: memory, tensors, allocations.</summary>
    private IEnumerable<MemoryResult> Left(EmbeddingUpdates updates)
    {
        const int Epochs = 11;
        var before = LiveTensors();
        var (memory, alive, bytes) = (new List<double>(), new List<double>(), new List<long>());
        Train(Small, Batch, StepsOfEpoch, Epochs, updates, progress =>
        {
            if (progress.Finished is null && progress.Epoch > 1 && progress.Samples / Batch % 100 == 0)
            {
                memory.Add(ResidentMegabytes());
                alive.Add(torch.Tensor.TotalCount);
            }

            bytes.Add(GC.GetAllocatedBytesForCurrentThread());
        });
        // Reports come each 20 steps; those between two of which an epoch ended say more than steps.
        var allocated = bytes.Zip(bytes.Skip(1), (first, second) => second - first).Order().ToList();
        var name = $"{updates.ToString().ToLowerInvariant()}, 10,000 steps of {Batch}";
        yield return new($"{name}: growth of resident memory", Slope(memory), 1, "MB in 1,000 steps");
        yield return new($"{name}: tensors more at the last step than at the first", alive[^1] - alive[0], 0, "");
        yield return new($"{name}: tensors left behind", LiveTensors() - before, 0, "");
        yield return new($"{name}: allocated by managed code", (double)allocated[allocated.Count / 2] / StepsBetweenReports, 0, "bytes a step");
    }

    private IEnumerable<MemoryResult> Share(EmbeddingUpdates updates)
    {
        var (shape, batch) = (TrainShape.AliCcp, 2_000);
        var shares = new List<double>();
        var (started, inside) = (0L, TimeSpan.Zero);
        NativeClock.Start();
        Train(shape, batch, StepsTimed, 1, updates, progress =>
        {
            if (started > 0 && progress.Finished is null)
            {
                shares.Add(1 - ((NativeClock.Spent - inside) / Stopwatch.GetElapsedTime(started)));
            }

            (started, inside) = (Stopwatch.GetTimestamp(), NativeClock.Spent);
        });
        NativeClock.Stop();
        yield return new($"{updates.ToString().ToLowerInvariant()}, a step of 2,000 on Ali-CCP's shape: outside native code", 100 * shares.Order().ElementAt(shares.Count / 2), 1, "%");
    }

    private void Train(TrainShape shape, int batch, int steps, int epochs, EmbeddingUpdates updates, Action<TrainingProgress> report)
    {
        var rows = Path.Combine(folder, $"{shape.Name}.safetensors");
        if (!File.Exists(rows))
        {
            shape.Write(rows, steps * batch);
        }

        torch.set_num_threads(Environment.ProcessorCount);
        torch.manual_seed(1);
        using var data = Snapshot.Open(rows);
        using var network = shape.Network();
        var options = new TrainingOptions { Batch = batch, Epochs = epochs, Patience = epochs, Threads = Environment.ProcessorCount, EmbeddingUpdates = updates };
        new TrainingLoop(network, data, options, TimeProvider.System).Run(report, CancellationToken.None);
    }

    /// <returns>by least squares, in 1,000 steps</returns>
    private static double Slope(List<double> memory)
    {
        var (middle, mean) = ((memory.Count - 1) / 2.0, memory.Average());
        var steps = Enumerable.Range(0, memory.Count).Sum(at => (at - middle) * (at - middle));
        return 10 * memory.Select((value, at) => (at - middle) * (value - mean)).Sum() / steps;
    }

    private static double ResidentMegabytes() =>
        double.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;

    private static long LiveTensors()
    {
        for (var round = 0; round < 2; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return torch.Tensor.TotalCount;
    }
}
