using System.Diagnostics.Metrics;
using System.Globalization;

/// <summary>
/// What the runtime calls first in a process that is started with DOTNET_STARTUP_HOOKS: writes how long components, events and requests
/// took, as ASP.NET Core's own meters say it, to a file. The product knows nothing of it.
/// </summary>
internal static class StartupHook
{
    /// <summary>Names the file.</summary>
    public const string Variable = "PIMM_BENCH_MEASURES";

    private static readonly Lock Writing = new();
    private static readonly MeterListener Listener = new();
    private static StreamWriter file = null!;
    private static Timer flushing = null!;

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } path)
        {
            return;
        }
        file = new StreamWriter(path);
        flushing = new Timer(_ => { lock (Writing) { file.Flush(); } }, null, 200, 200);
        Listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith("Microsoft.AspNetCore.Components", StringComparison.Ordinal) || instrument.Name == "http.server.request.duration")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        Listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Write(instrument.Name, value, tags));
        Listener.Start();
    }

    private static void Write(string name, double seconds, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var of = "";
        foreach (var tag in tags)
        {
            of = tag.Key is "aspnetcore.components.type" or "http.route" ? $"{tag.Value}" : of;
        }
        lock (Writing)
        {
            file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()}\t{name}\t{of}\t{seconds}"));
        }
    }
}
