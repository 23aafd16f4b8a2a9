using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Pimm.Testing;

namespace Pimm.Web.Tests;

/// <summary>The web app as its own process on a free port of Kestrel, in Production.</summary>
internal sealed partial class PimmApp : IAsyncDisposable
{
    private readonly Process process;
    private readonly StringBuilder log = new();
    private bool ended;

    private PimmApp(Process process, Uri address) => (this.process, Address) = (process, address);

    public static string Uploads { get; } = Path.Combine(Path.GetTempPath(), $"pimm-web-uploads-{Environment.ProcessId}");

    public Uri Address { get; }

    /// <summary>What it has written so far.</summary>
    public string Log
    {
        get
        {
            lock (log)
            {
                return log.ToString();
            }
        }
    }

    /// <summary>Memory that the process holds now.</summary>
    public long ResidentBytes()
    {
        process.Refresh();
        return process.WorkingSet64;
    }

    /// <param name="settings">beside those of every test, as in Section__Name</param>
    public static async Task<PimmApp> StartAsync(TestDatabase database, IReadOnlyDictionary<string, string>? settings = null)
    {
        // Beside the tests' output lies the app's own, with its manifest of static files.
        var assembly = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Pimm.Web", Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), "Pimm.Web.dll"));
        var start = new ProcessStartInfo("dotnet", [assembly]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetDirectoryName(assembly)! };
        foreach (var (name, value) in database.Environment)
        {
            start.Environment[name] = value;
        }

        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        start.Environment["Access__AttemptsPerMinute"] = "1000";
        start.Environment["Api__RefusalsPerMinute"] = "100000";
        // Tests hold what a page reads, for as long as a busy machine takes.
        start.Environment["Database__LockTimeoutSeconds"] = "30";
        start.Environment["Importing__Uploads"] = Uploads;
        foreach (var (name, value) in settings ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Kill(process);
        var output = "";
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            output += line + "\n";
            if (Listening().Match(line) is { Success: true } match)
            {
                var app = new PimmApp(process, new Uri(match.Groups[1].Value));
                _ = app.DrainAsync(process.StandardOutput);
                _ = app.DrainAsync(process.StandardError);
                return app;
            }
        }

        throw new InvalidOperationException($"The web app ended before it listened:\n{output}{await process.StandardError.ReadToEndAsync()}");
    }

    /// <summary>A second time it does nothing: a test may have ended the app before its end.</summary>
    public async ValueTask DisposeAsync()
    {
        if (ended)
        {
            return;
        }

        ended = true;
        Kill(process);
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }

    private async Task DrainAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (log)
            {
                log.AppendLine(line);
            }
        }
    }

    [GeneratedRegex(@"Now listening on: (\S+)")]
    private static partial Regex Listening();
}
