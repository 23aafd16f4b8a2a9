using System.Diagnostics;
using System.Globalization;
using System.Text;
using Pimm.Testing;

namespace Pimm.Jobs.Tests;

/// <summary>The built Pimm.Jobs as a process of its own.</summary>
public sealed class PimmProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly StringBuilder output = new();
    private readonly StringBuilder error = new();

    private PimmProcess(ProcessStartInfo start)
    {
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(error, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public static PimmProcess Start(TestDatabase? database, params string[] arguments) => Start(database, NoSettings, arguments);

    /// <param name="settings">environment variables on top of the quick intervals: Scheduling__Enabled = true</param>
    public static PimmProcess Start(TestDatabase? database, IReadOnlyDictionary<string, string> settings, params string[] arguments) =>
        Start("Pimm.Jobs", database, settings, [], arguments);

    /// <param name="program">one that lies beside the tests</param>
    /// <param name="settings">above the quick intervals</param>
    /// <param name="wrapper">a command that becomes the program: another clock, a limit</param>
    /// <remarks>A test run in the background hands on an ignored SIGINT; a person's terminal does not.</remarks>
    internal static PimmProcess Start(
        string program, TestDatabase? database, IReadOnlyDictionary<string, string> settings, IReadOnlyList<string> wrapper, params string[] arguments)
    {
        var start = new ProcessStartInfo("env", ["--default-signal=INT", .. wrapper, Path.Combine(AppContext.BaseDirectory, program), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("Database__", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in (database?.Environment ?? new Dictionary<string, string>()).Concat(QuickIntervals).Concat(settings))
            start.Environment[name] = value;
        return new PimmProcess(start);
    }

    /// <summary>Runs a verb to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(TestDatabase? database, params string[] arguments)
    {
        await using var run = Start(database, arguments);
        return (await run.ExitedAsync(), run.Output, run.Error);
    }

    internal static async Task<(int ExitCode, string Output, string Error)> RunAsync(TestDatabase? database, IReadOnlyDictionary<string, string> settings, params string[] arguments)
    {
        await using var run = Start("Pimm.Jobs", database, settings, [], arguments);
        return (await run.ExitedAsync(), run.Output, run.Error);
    }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    public string Output { get { lock (output) return output.ToString(); } }

    public string Error { get { lock (error) return error.ToString(); } }

    /// <param name="signal">KILL, TERM, INT, STOP, CONT</param>
    public void Signal(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async Task<int> ExitedAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode;
    }

    private static readonly Dictionary<string, string> NoSettings = [];

    private static readonly Dictionary<string, string> QuickIntervals = new()
    {
        // Only tests of schedules want runs that nobody asked for.
        ["Scheduling__Enabled"] = "false",
        ["Queueing__Lease"] = "00:00:04",
        ["Queueing__Heartbeat"] = "00:00:00.5",
        ["Queueing__SelfFence"] = "00:00:03",
        ["Queueing__RestartGrace"] = "00:00:00",
        ["Queueing__Poll"] = "00:00:00.5",
        ["Queueing__Reap"] = "00:00:00.5"
    };

    private static void Append(StringBuilder to, string? line)
    {
        lock (to)
            if (line is not null) to.Append(line).Append('\n');
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        process.Dispose();
    }
}
