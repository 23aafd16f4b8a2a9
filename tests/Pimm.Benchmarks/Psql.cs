using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Pimm.Testing;

namespace Pimm.Benchmarks;

/// <summary>The peer's program, a process of its own on the database of the measurement.</summary>
internal static class Psql
{
    /// <summary>Runs a script whose last line is a count.</summary>
    /// <returns>seconds of the whole process</returns>
    public static async Task<double> RunAsync(TestDatabase database, string script, long expected)
    {
        var connection = new NpgsqlConnectionStringBuilder(database.OwnerConnectionString);
        var start = new ProcessStartInfo(Path.Combine(PrivateCluster.Binaries, "psql"), ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", connection.Host!, "-p", connection.Port.ToString(CultureInfo.InvariantCulture), "-U", connection.Username!, "-d", database.Name])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        start.Environment["PGPASSWORD"] = connection.Password ?? "";
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(script);
        process.StandardInput.Close();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var seconds = clock.Elapsed.TotalSeconds;
        var last = said.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        return process.ExitCode == 0 && last == expected.ToString(CultureInfo.InvariantCulture) ? seconds
            : throw new InvalidOperationException($"psql ended with {process.ExitCode} and said {last} where {expected} was expected.");
    }
}
