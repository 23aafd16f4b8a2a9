using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Pimm.Core.Importing;

namespace Pimm.Benchmarks;

/// <summary>
/// Converts a training file of Ali-CCP on one thread, interleaved with a plain Python script that does the same on the same
/// files; both must write the same bytes. Each run is a process of its own, so that its peak memory is its own.
/// </summary>
internal static class AliCcpBenchmark
{
    private const int Runs = 5;
    private const int RunsOfSlowPeer = 3;
    private static readonly TimeSpan SlowPeer = TimeSpan.FromSeconds(60);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <param name="Seconds">of the conversion</param>
    /// <param name="ProcessorSeconds">of the whole process: what the conversion takes where other work does not share the core</param>
    /// <param name="PeakBytes">of the whole process</param>
    private sealed record Measured(double Seconds, double ProcessorSeconds, long PeakBytes);

    public static int Start(string root, string[] arguments)
    {
        if (arguments is ["--convert", var folder])
        {
            return Convert(folder);
        }

        var (rows, json) = (1_000_000, false);
        for (var place = 0; place < arguments.Length; place++)
        {
            if (arguments[place] == "--json")
            {
                json = true;
            }
            else if (arguments[place] != "--rows" || ++place == arguments.Length
                || !int.TryParse(arguments[place], NumberStyles.None, CultureInfo.InvariantCulture, out rows) || rows is < 1000 or > 100_000_000)
            {
                Console.Error.WriteLine("ali-ccp takes --rows N, from 1,000 to 100,000,000 impressions, and --json.");
                return 2;
            }
        }

        var temporary = Directory.CreateTempSubdirectory("pimm-ali-ccp-");
        try
        {
            return Compare(root, temporary.FullName, rows, json);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private static int Compare(string root, string folder, int rows, bool json)
    {
        var files = new AliCcpRawFiles(rows);
        files.WriteTo(folder);
        var bytes = new FileInfo(AliCcpRawFiles.SkeletonIn(folder)).Length + new FileInfo(AliCcpRawFiles.CommonIn(folder)).Length;
        var rawRows = (long)rows + files.CommonRows;
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{rows:N0} impressions of {new FileInfo(AliCcpRawFiles.SkeletonIn(folder)).Length / (double)rows:F0} bytes, {files.CommonRows:N0} rows of common features, {bytes / 1e6:N0} MB"));

        var peerScript = Path.Combine(root, "tests", "Pimm.Benchmarks", "peers", "ali_ccp.py");
        var (ours, peers) = (new List<Measured>(), new List<Measured>());
        while (ours.Count < (peers.Any(run => run.Seconds > SlowPeer.TotalSeconds) ? RunsOfSlowPeer : Runs))
        {
            ours.Add(Measure(Environment.ProcessPath!, "ali-ccp", "--convert", folder));
            peers.Add(Measure("python3", peerScript, AliCcpRawFiles.SkeletonIn(folder), AliCcpRawFiles.CommonIn(folder), Path.Combine(folder, "peer.csv")));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"ours {Text(ours[^1])}; Python {Text(peers[^1])}"));
        }

        if (!SameBytes(Path.Combine(folder, "ours.csv"), Path.Combine(folder, "peer.csv")))
        {
            Console.Error.WriteLine("The two conversions wrote different files.");
            return 1;
        }

        object[] results =
        [
            Result("raw rows of both files", rows, "rows/s", ours.ConvertAll(run => rawRows / run.Seconds), peers.ConvertAll(run => rawRows / run.Seconds)),
            Result("raw rows by CPU time", rows, "rows/s", ours.ConvertAll(run => rawRows / run.ProcessorSeconds), peers.ConvertAll(run => rawRows / run.ProcessorSeconds)),
            Result("bytes by CPU time", rows, "MB/s", ours.ConvertAll(run => bytes / 1e6 / run.ProcessorSeconds), peers.ConvertAll(run => bytes / 1e6 / run.ProcessorSeconds)),
            Result("peak memory", rows, "MB", ours.ConvertAll(run => run.PeakBytes / 1e6), peers.ConvertAll(run => run.PeakBytes / 1e6)),
        ];
        Print(results, json, ours.Count);
        return 0;
    }

    private static object Result(string measured, int rows, string unit, List<double> ours, List<double> peers)
    {
        var ratios = ours.Zip(peers, (one, other) => one / other).ToList();
        return new { Case = measured, Batch = rows, Mode = "training file", Ours = Median(ours), Peer = Median(peers), Ratio = new { Median = Median(ratios), Min = ratios.Min(), Max = ratios.Max() }, Unit = unit };
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }

    private static void Print(object[] results, bool json, int runs)
    {
        var document = new
        {
            Bench = "ali-ccp",
            Machine = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} × {RuntimeInformation.ProcessArchitecture}, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}"),
            Peer = "plain Python, standard library, a split a line",
            Runs = runs,
            Results = results,
        };
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(document, Json));
            return;
        }

        foreach (var result in JsonSerializer.SerializeToElement(results, Json).EnumerateArray())
        {
            var ratio = result.GetProperty("ratio");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{result.GetProperty("case").GetString(),-24} {result.GetProperty("ours").GetDouble(),12:N0} {result.GetProperty("unit").GetString(),-7} Python {result.GetProperty("peer").GetDouble(),10:N0}   ratio {ratio.GetProperty("median").GetDouble():F2} ({ratio.GetProperty("min").GetDouble():F2} … {ratio.GetProperty("max").GetDouble():F2})"));
        }
    }

    private static string Text(Measured run) =>
        string.Create(CultureInfo.InvariantCulture, $"{run.Seconds:F2} s ({run.ProcessorSeconds:F2} s CPU), {run.PeakBytes / 1e6:N0} MB");

    private static Measured Measure(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        // One processor for the runtime too: its collector and compiler would otherwise help from a second core.
        start.Environment["DOTNET_PROCESSOR_COUNT"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<Measured>(output, Json)!
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with exit code {process.ExitCode}.");
    }

    private static int Convert(string folder)
    {
        var summary = AliCcpConversion.Run(
            new AliCcpOptions { Skeleton = AliCcpRawFiles.SkeletonIn(folder), Common = AliCcpRawFiles.CommonIn(folder), Output = Path.Combine(folder, "ours.csv") },
            TimeProvider.System,
            static _ => { });
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(JsonSerializer.Serialize(new Measured(summary.Seconds, process.TotalProcessorTime.TotalSeconds, process.PeakWorkingSet64), Json));
        return 0;
    }

    private static bool SameBytes(string one, string other)
    {
        using var first = new BufferedStream(File.OpenRead(one), 1 << 20);
        using var second = new BufferedStream(File.OpenRead(other), 1 << 20);
        int letter;
        do
        {
            letter = first.ReadByte();
            if (letter != second.ReadByte())
            {
                return false;
            }
        }
        while (letter >= 0);

        return true;
    }
}
