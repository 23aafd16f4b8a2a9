using System.Globalization;
using System.Text.Json;

namespace Pimm.Benchmarks;

/// <summary>A figure against its target, as docs/results/speed.md has it.</summary>
/// <param name="Measured">the median</param>
/// <param name="Target">in words, with its unit</param>
internal sealed record SpeedLine(string Case, double Measured, double Min, double Max, string Unit, string Target, bool Held, string Remark)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static SpeedLine AtMost(string of, IReadOnlyCollection<double> measured, double most, string unit, string remark)
    {
        var median = IngestRatio.MedianOf(measured);
        return new SpeedLine(of, median, measured.Min(), measured.Max(), unit, string.Create(CultureInfo.InvariantCulture, $"at most {most:0.##}{unit}"), median <= most, remark);
    }

    /// <returns>the exit code: 1 when a target was missed</returns>
    public static int Tell(string bench, bool json, IReadOnlyList<SpeedLine> results)
    {
        Console.WriteLine(json ? JsonSerializer.Serialize(new { bench, machine = SideBySide.Machine, results }, Json) : string.Join('\n', results.Select(result => result.ToString()).Append(SideBySide.Machine)));
        return results.All(result => result.Held) ? 0 : 1;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Held ? "ok  " : "MISS")} {Case}: {Measured:0.###}{Unit} ({Min:0.###} to {Max:0.###}), {Target}; {Remark}");
}
