using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Pimm.Benchmarks;

/// <summary>
/// Runs the benches of speed one after the other and keeps what they say, with the machine and the day, in docs/results/speed.md. What is
/// not asked for stays as it was measured before.
/// </summary>
internal sealed class SpeedBench(string root)
{
    private static readonly string[] Benches = ["train", "score", "score-db", "top-n", "split", "copy", "memory", "web", "growth"];

    private string Kept => Path.Combine(root, ".pimm", "results", "speed");

    public static int Start(string root, IReadOnlyCollection<string> known, string[] arguments)
    {
        var benches = Benches.Where(known.Contains).ToArray();
        var only = arguments is ["--only", var names] ? names.Split(',', StringSplitOptions.RemoveEmptyEntries) : benches;
        if (arguments is not ([] or ["--only", _]) || only.Except(benches).Any())
        {
            Console.Error.WriteLine($"speed takes --only with some of {string.Join(",", benches)}.");
            return 2;
        }
        return new SpeedBench(root).Run(benches, only);
    }

    private int Run(IReadOnlyList<string> benches, IReadOnlyCollection<string> only)
    {
        Directory.CreateDirectory(Kept);
        var failed = false;
        foreach (var bench in only)
        {
            Console.Error.WriteLine($"{bench} ...");
            using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [bench, "--json"]) { RedirectStandardOutput = true })!;
            var answer = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (answer.TrimStart().StartsWith('{'))
            {
                File.WriteAllText(FileOf(bench), answer);
                failed |= process.ExitCode != 0;
            }
            else
            {
                Console.Error.WriteLine($"{bench} ended with {process.ExitCode} and said nothing that can be kept.");
                failed = true;
            }
        }
        var page = Page(benches.Where(bench => File.Exists(FileOf(bench))));
        Directory.CreateDirectory(Path.Combine(root, "docs", "results"));
        File.WriteAllText(Path.Combine(root, "docs", "results", "speed.md"), page);
        return failed ? 1 : 0;
    }

    private string FileOf(string bench) => Path.Combine(Kept, $"{bench}.json");

    private string Page(IEnumerable<string> benches)
    {
        var page = new StringBuilder("# Speed\n\nMade by `./pimm bench speed [--only a,b]`. A ratio is the peer's time to ours of the same turn, the median, with the lowest and the highest; peers run turn by turn on the same machine.\n");
        foreach (var bench in benches)
        {
            using var document = JsonDocument.Parse(File.ReadAllText(FileOf(bench)));
            var machine = document.RootElement.TryGetProperty("machine", out var said) ? said.GetString() : "";
            page.Append(CultureInfo.InvariantCulture, $"\n## {bench}\n\n{File.GetLastWriteTimeUtc(FileOf(bench)):yyyy-MM-dd}, {machine}\n\n| what | measured | lowest to highest | target | |\n|---|---|---|---|---|\n");
            foreach (var row in document.RootElement.GetProperty("results").EnumerateArray().SelectMany(result => RowsOf(bench, result)))
            {
                page.Append(CultureInfo.InvariantCulture, $"| {row} |\n");
            }
        }
        return page.ToString();
    }

    private static IEnumerable<string> RowsOf(string bench, JsonElement result)
    {
        yield return RowOf(bench, result);
        if (bench == "train" && Text(result, "case") == "ali-ccp, lazy" && result.GetProperty("batch").GetInt64() == 16_384)
        {
            var share = 100 * Number(result, "share");
            yield return Row("ali-ccp, lazy, batch 16,384: samples/s to those that the model's products alone would allow", share, share, share, " %", "at least 45 %", share >= 45, Said($"products at {Number(result, "gigaflops"):N0} GFLOP/s"));
        }
    }

    private static string RowOf(string bench, JsonElement result)
    {
        var name = Text(result, "case") + (result.TryGetProperty("batch", out var batch) && batch.GetInt64() > 0 ? string.Create(CultureInfo.InvariantCulture, $", batch {batch.GetInt64():N0}") : "");
        if (result.TryGetProperty("target", out var target))
        {
            return Row(name, Number(result, "measured"), Number(result, "min"), Number(result, "max"), Text(result, "unit"), target.GetString()!, result.GetProperty("held").GetBoolean(), Text(result, "remark"));
        }
        if (result.TryGetProperty("value", out var value))
        {
            var (number, most) = (value.GetDouble(), Number(result, "bound"));
            return Row(name, number, number, number, $" {Text(result, "unit")}", string.Create(CultureInfo.InvariantCulture, $"at most {most:0.##}"), result.GetProperty("held").GetBoolean(), "");
        }
        var ratio = result.GetProperty("ratio");
        double? least = result.TryGetProperty("bound", out var bound) && bound.ValueKind == JsonValueKind.Number ? bound.GetDouble() : bench == "train" ? TrainTarget(name) : null;
        return Row(name, Number(ratio, "median"), Number(ratio, "min"), Number(ratio, "max"), " ×", least is { } asked ? string.Create(CultureInfo.InvariantCulture, $"at least {asked:0.##} ×") : "",
            least is null || Number(ratio, "median") >= least, bench == "train" ? Said($"{Number(result, "ours"):N0} samples/s against {Number(result, "peer"):N0}; {100 * Number(result, "share"):0} % of what the products alone would allow") : Text(result, "remark"));
    }

    private static string Said(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>The targets that training was given, by shape, updates and batch.</summary>
    private static double? TrainTarget(string name) => (name.Split(", ", 3), name) switch
    {
        (["ali-ccp", "dense", _], _) => name.EndsWith("65,536", StringComparison.Ordinal) ? 1.8 : 2,
        (["ali-ccp", "lazy", _], _) => name.EndsWith("2,000", StringComparison.Ordinal) ? 4 : name.EndsWith("65,536", StringComparison.Ordinal) ? 2 : 2.5,
        (["industrial", _, _], _) when name.EndsWith(" 2,000", StringComparison.Ordinal) => 3.5,
        (["industrial", _, _], _) when name.EndsWith("16,384", StringComparison.Ordinal) => 1.5,
        _ => null,
    };

    private static string Row(string name, double measured, double least, double most, string unit, string target, bool held, string remark) => string.Create(CultureInfo.InvariantCulture,
        $"{name}{(remark.Length > 0 ? $"<br>{remark}" : "")} | {measured:0.##}{unit} | {least:0.##} to {most:0.##} | {target} | {(target.Length == 0 ? "" : held ? "met" : "**missed**")}");

    private static string Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static double Number(JsonElement of, string name) => of.GetProperty(name).GetDouble();
}
