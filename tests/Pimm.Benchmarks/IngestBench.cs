using System.Globalization;
using System.Text.Json;

namespace Pimm.Benchmarks;

/// <param name="Case">what was moved</param>
/// <param name="Batch">rows at once; 0 where that has no meaning</param>
/// <param name="Mode">how the peer did it, or how the load came</param>
/// <param name="Ours">the median</param>
/// <param name="Peer">the median; null: the figure stands against a bound, not a peer</param>
/// <param name="Ratio">ours to the peer's of the same round; null without a peer</param>
internal sealed record IngestResult(string Case, int Batch, string Mode, double Ours, double? Peer, IngestRatio? Ratio, string Unit, bool Held, string Bound);

internal sealed record IngestRatio(double Median, double Min, double Max)
{
    public static IngestRatio Of(IEnumerable<double> ratios)
    {
        var sorted = ratios.Order().ToList();
        return new IngestRatio(MedianOf(sorted), sorted[0], sorted[^1]);
    }

    public static double MedianOf(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}

/// <summary>Data in and out, each section beside PostgreSQL's own tools in the same run: two busy cores tell no rate, but they tell a ratio.</summary>
internal static class IngestBench
{
    private static readonly Dictionary<string, Func<Task<IReadOnlyList<IngestResult>>>> Sections = new(StringComparer.Ordinal)
    {
        ["import"] = IngestImport.MeasureAsync,
        ["api"] = IngestApi.MeasureAsync,
        ["export"] = IngestExport.MeasureAsync,
        ["upload"] = IngestUpload.MeasureAsync,
    };

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static int Start(string[] arguments)
    {
        var json = arguments.Contains("--json");
        var rest = arguments.Where(argument => argument != "--json").ToArray();
        if (rest is not ([] or ["--only", _]) || (rest is ["--only", var only] && !Sections.ContainsKey(only)))
        {
            Console.Error.WriteLine($"ingest takes --json and --only with one of {string.Join(", ", Sections.Keys)}.");
            return 2;
        }
        var results = new List<IngestResult>();
        foreach (var (_, measure) in Sections.Where(section => rest is [] || section.Key == rest[1]))
        {
            results.AddRange(measure().GetAwaiter().GetResult());
        }
        Console.WriteLine(json ? JsonSerializer.Serialize(new { bench = "ingest", machine = Machine, results }, Json) : Table(results));
        return results.All(result => result.Held) ? 0 : 1;
    }

    private static string Machine => string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores, {Environment.OSVersion.VersionString}, .NET {Environment.Version}");

    private static string Table(IEnumerable<IngestResult> results) => string.Join('\n', results.Select(result => string.Create(CultureInfo.InvariantCulture,
        $"{(result.Held ? "ok  " : "LOW ")}{result.Case}, {result.Mode}, {result.Batch:N0} at once: {result.Ours:N1} {result.Unit}")
        + (result.Ratio is { } ratio ? string.Create(CultureInfo.InvariantCulture, $" against {result.Peer:N1}, ratio {ratio.Median:0.00} ({ratio.Min:0.00} to {ratio.Max:0.00})") : "")
        + $"; {result.Bound}"));
}
