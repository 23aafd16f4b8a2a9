using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Pimm.Benchmarks;

/// <param name="Case">what was done</param>
/// <param name="Ours">seconds, the median</param>
/// <param name="Peer">seconds, the median</param>
/// <param name="Ratio">the peer's seconds to ours of the same turn</param>
/// <param name="Bound">what the median of the ratios has to reach</param>
internal sealed record SideBySideResult(string Case, double Ours, double Peer, IngestRatio Ratio, double Bound, string Remark)
{
    public bool Held => Ratio.Median >= Bound;
}

/// <summary>The words behind a benchmark's name: one number that says how large, and --json.</summary>
internal sealed record SideBySideArguments(long Size, bool Json)
{
    /// <returns>null when they were none of these; what is wanted has been said then</returns>
    public static SideBySideArguments? Of(string bench, string[] arguments, string option, long size, long least, long most)
    {
        var rest = arguments.Where(argument => argument != "--json").ToArray();
        var given = 0L;
        if (rest is [] || (rest is [var name, var text] && name == option && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out given) && given >= least && given <= most))
        {
            return new SideBySideArguments(rest is [] ? size : given, rest.Length < arguments.Length);
        }
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bench} takes --json and {option} with a number from {least} to {most}; without, it is {size}."));
        return null;
    }
}

/// <summary>Ours and a peer's, turn by turn on the same machine: whatever else it is doing then, both suffer from.</summary>
internal static class SideBySide
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static string Machine => string.Create(CultureInfo.InvariantCulture,
        $"{Environment.ProcessorCount} cores, {Environment.OSVersion.VersionString}, .NET {Environment.Version}, load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}");

    /// <param name="turns">beside a first one that is not counted</param>
    /// <param name="ours">does it once and tells the seconds</param>
    public static async Task<SideBySideResult> MeasureAsync(string name, int turns, double bound, Func<Task<double>> ours, Func<Task<double>> peer, string remark)
    {
        var pairs = new List<(double Ours, double Peer)>();
        for (var turn = 0; turn <= turns; turn++)
        {
            // Whoever is second may find the machine warmer.
            var first = turn % 2 == 0 ? await ours() : await peer();
            var second = turn % 2 == 0 ? await peer() : await ours();
            pairs.Add(turn % 2 == 0 ? (first, second) : (second, first));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name}, turn {turn}{(turn == 0 ? " (not counted)" : "")}: ours {pairs[^1].Ours:0.000} s, peer {pairs[^1].Peer:0.000} s, ratio {pairs[^1].Peer / pairs[^1].Ours:0.00}"));
        }
        pairs.RemoveAt(0);
        return new SideBySideResult(
            name, IngestRatio.MedianOf(pairs.Select(pair => pair.Ours)), IngestRatio.MedianOf(pairs.Select(pair => pair.Peer)),
            IngestRatio.Of(pairs.Select(pair => pair.Peer / pair.Ours)), bound, remark);
    }

    public static async Task<double> SecondsAsync(Func<Task> action)
    {
        var clock = Stopwatch.StartNew();
        await action();
        return clock.Elapsed.TotalSeconds;
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
        $"{(result.Held ? "ok  " : "LOW ")}{result.Case}: {result.Ours:0.000} s against {result.Peer:0.000} s, ratio {result.Ratio.Median:0.00} ({result.Ratio.Min:0.00} to {result.Ratio.Max:0.00}), at least {result.Bound:0.##}; {result.Remark}");
}
