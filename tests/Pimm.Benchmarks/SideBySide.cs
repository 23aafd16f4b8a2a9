using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using Pimm.Testing;

namespace Pimm.Benchmarks;

/// <summary>What something took: of the clock, and of the processors in this process, its children and the database's server together.</summary>
internal sealed record Took(double Seconds, double ProcessorSeconds);

/// <param name="Case">what was done</param>
/// <param name="Ours">seconds, the median</param>
/// <param name="Peer">seconds, the median</param>
/// <param name="Ratio">the peer's seconds to ours of the same turn</param>
/// <param name="ByProcessorTime">the same ratio by processor seconds: what a machine that others use still tells</param>
/// <param name="Bound">what the median of the ratios has to reach</param>
internal sealed record SideBySideResult(string Case, double Ours, double Peer, IngestRatio Ratio, IngestRatio ByProcessorTime, double Bound, string Remark)
{
    public bool Held => Ratio.Median >= Bound;
}

/// <summary>The words behind a benchmark's name: one number that says how large, --json, and --wait.</summary>
internal sealed record SideBySideArguments(long Size, bool Json, bool Wait)
{
    /// <returns>null when they were none of these; what is wanted has been said then</returns>
    public static SideBySideArguments? Of(string bench, string[] arguments, string option, long size, long least, long most)
    {
        var rest = arguments.Where(argument => argument is not ("--json" or "--wait")).ToArray();
        var given = 0L;
        if (rest is [] || (rest is [var name, var text] && name == option && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out given) && given >= least && given <= most))
        {
            return new SideBySideArguments(rest is [] ? size : given, arguments.Contains("--json"), arguments.Contains("--wait"));
        }
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bench} takes --json, --wait and {option} with a number from {least} to {most}; without, it is {size}. With --wait it says when everything is prepared, and measures when it is given a line: preparing millions of rows needs no quiet machine."));
        return null;
    }

    /// <summary>Everything is prepared, and what follows is measured.</summary>
    public void Prepared()
    {
        if (Wait)
        {
            Console.Error.WriteLine("Prepared.");
            Console.In.ReadLine();
        }
    }
}

/// <summary>Ours and a peer's, turn by turn on the same machine: whatever else it is doing then, both suffer from.</summary>
internal static class SideBySide
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static string Machine => string.Create(CultureInfo.InvariantCulture,
        $"{Environment.ProcessorCount} cores, {Environment.OSVersion.VersionString}, .NET {Environment.Version}, load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}");

    /// <param name="turns">beside a first one that is not counted</param>
    public static async Task<SideBySideResult> MeasureAsync(string name, int turns, double bound, Func<Task<Took>> ours, Func<Task<Took>> peer, string remark)
    {
        var pairs = new List<(Took Ours, Took Peer)>();
        for (var turn = 0; turn <= turns; turn++)
        {
            // Whoever is second may find the machine warmer.
            var first = turn % 2 == 0 ? await ours() : await peer();
            var second = turn % 2 == 0 ? await peer() : await ours();
            pairs.Add(turn % 2 == 0 ? (first, second) : (second, first));
            Say(name, turn, pairs[^1].Ours, pairs[^1].Peer);
        }
        pairs.RemoveAt(0);
        return ResultOf(name, pairs, bound, remark);
    }

    public static void Say(string name, int turn, Took ours, Took peer) => Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{name}, turn {turn}{(turn == 0 ? " (not counted)" : "")}: {ours.Seconds:0.000} s against {peer.Seconds:0.000} s, ratio {peer.Seconds / ours.Seconds:0.00}; of the processors {ours.ProcessorSeconds:0.00} s against {peer.ProcessorSeconds:0.00} s"));

    public static SideBySideResult ResultOf(string name, IReadOnlyCollection<(Took Ours, Took Peer)> pairs, double bound, string remark) => new(
        name, IngestRatio.MedianOf(pairs.Select(pair => pair.Ours.Seconds)), IngestRatio.MedianOf(pairs.Select(pair => pair.Peer.Seconds)),
        IngestRatio.Of(pairs.Select(pair => pair.Peer.Seconds / pair.Ours.Seconds)),
        IngestRatio.Of(pairs.Select(pair => pair.Peer.ProcessorSeconds / Math.Max(0.01, pair.Ours.ProcessorSeconds))), bound, remark);

    public static async Task<Took> TakeAsync(PrivateCluster cluster, Func<Task> action)
    {
        var (processors, clock) = (ProcessorSeconds(cluster), Stopwatch.StartNew());
        await action();
        var seconds = clock.Elapsed.TotalSeconds;
        return new Took(seconds, ProcessorSeconds(cluster) - processors);
    }

    /// <summary>Of this process and its children that ended, and of the server with all that it ever started.</summary>
    private static double ProcessorSeconds(PrivateCluster cluster)
    {
        var folder = new NpgsqlConnectionStringBuilder(cluster.ConnectionString).Host!;
        var server = int.Parse(File.ReadLines(Path.Combine(folder, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        var ticks = 0L;
        foreach (var process in Directory.EnumerateDirectories("/proc").Select(path => Path.GetFileName(path)).Where(name => int.TryParse(name, out _)))
        {
            var fields = StatusOf(process);
            if (fields is not null && (process == server.ToString(CultureInfo.InvariantCulture) || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture) || fields[1] == server))
            {
                ticks += fields[11] + fields[12] + fields[13] + fields[14];
            }
        }
        return ticks / 100.0;
    }

    /// <summary>The fields of /proc/PID/stat behind the name, of which the first is no number; null when the process has ended.</summary>
    internal static long[]? StatusOf(string process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            return [.. text[(text.LastIndexOf(')') + 2)..].Split(' ').Select(field => long.TryParse(field, CultureInfo.InvariantCulture, out var number) ? number : 0)];
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <returns>the exit code: 1 when a bound was missed</returns>
    public static int Tell(string bench, SideBySideArguments arguments, IReadOnlyList<SideBySideResult> results)
    {
        Console.WriteLine(arguments.Json
            ? JsonSerializer.Serialize(new { bench, size = arguments.Size, machine = Machine, results }, Json)
            : string.Join('\n', results.Select(Text).Append(Machine)));
        return results.All(result => result.Held) ? 0 : 1;
    }

    private static string Text(SideBySideResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{(result.Held ? "ok  " : "LOW ")}{result.Case}: {result.Ours:0.000} s against {result.Peer:0.000} s, ratio {result.Ratio.Median:0.00} ({result.Ratio.Min:0.00} to {result.Ratio.Max:0.00}), at least {result.Bound:0.##}; by processor time {result.ByProcessorTime.Median:0.00} ({result.ByProcessorTime.Min:0.00} to {result.ByProcessorTime.Max:0.00}); {result.Remark}");
}
