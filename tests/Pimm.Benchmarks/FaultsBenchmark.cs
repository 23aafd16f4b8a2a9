using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Pimm.Benchmarks;

/// <summary>What one fault did, as the fault tests record it.</summary>
/// <param name="Row">of the fault matrix</param>
/// <param name="RecoverySeconds">from the fault to the first sign of life of whoever goes on; null: nobody had to</param>
internal sealed record MeasuredFault(int Row, string Name, bool Held, double? RecoverySeconds, string Note);

/// <summary>Breaks real workers and a real PostgreSQL in every way the fault tests know, and prints whether each promise was held.</summary>
internal static class FaultsBenchmark
{
    private const string Tests = "Pimm.Jobs.Tests";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static int Start(string[] arguments)
    {
        if (arguments is not ([] or ["--json"]))
        {
            Console.Error.WriteLine("faults takes --json and nothing else.");
            return 2;
        }

        var faults = Measure();
        Console.WriteLine(arguments.Length > 0 ? ToJson(faults) : Markdown(faults));
        return faults.Count > 0 && faults.All(fault => fault.Held) ? 0 : 1;
    }

    /// <summary>In the order of the matrix. Takes minutes.</summary>
    /// <exception cref="InvalidOperationException">the tests did not get to an end, or one failed without a record of its fault</exception>
    public static IReadOnlyList<MeasuredFault> Measure()
    {
        var report = Path.GetTempFileName();
        try
        {
            var exitCode = Run(report);
            var faults = File.ReadLines(report).Select(line => JsonSerializer.Deserialize<MeasuredFault>(line, Json)!).Where(fault => fault.Row > 0)
                .OrderBy(fault => fault.Row).ThenBy(fault => fault.Name, StringComparer.Ordinal).ToList();
            return exitCode == 0 || faults.Exists(fault => !fault.Held)
                ? faults
                : throw new InvalidOperationException($"The fault tests ended with exit code {exitCode} after {faults.Count} faults: what they say is above.");
        }
        finally
        {
            File.Delete(report);
        }
    }

    public static string ToJson(IReadOnlyList<MeasuredFault> faults) =>
        JsonSerializer.Serialize(new { faults = faults.Select(fault => new { fault.Name, fault.Held, fault.RecoverySeconds, fault.Note }) }, Json);

    public static string Markdown(IReadOnlyList<MeasuredFault> faults)
    {
        var text = new StringBuilder("| fault | promise held | recovery, s | note |\n|---|---|---|---|\n");
        foreach (var fault in faults)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {fault.Name} | {(fault.Held ? "yes" : "NO")} | {fault.RecoverySeconds:0.0} | {fault.Note.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }

        return text.ToString();
    }

    /// <summary>The tests are a program that lies beside this one's folder; what it says goes to stderr.</summary>
    private static int Run(string report)
    {
        var built = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(built.Parent!.Parent!.FullName, Tests, built.Name, Tests);
        var start = new ProcessStartInfo(program, ["--no-ansi", "--no-progress", "--filter-class", $"{Tests}.Faults.*", $"{Tests}.TwoWorkersScoreTests"]) { RedirectStandardOutput = true };
        start.Environment["PIMM_FAULT_REPORT"] = report;
        using var tests = Process.Start(start)!;
        while (tests.StandardOutput.ReadLine() is { } line)
        {
            Console.Error.WriteLine(line);
        }

        tests.WaitForExit();
        return tests.ExitCode;
    }
}
