using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Pimm.Core.Safekeeping;

/// <summary>
/// pg_dump and pg_restore of the server's major version, or of a later one. What they need to connect is handed over in their
/// environment: a command line can be read by every user of the machine.
/// </summary>
public sealed class PostgresTools(IOptions<BackupOptions> options)
{
    private const int KeptOutput = 2_000;

    /// <exception cref="InputException">the program is not installed</exception>
    /// <exception cref="InvalidOperationException">the program failed; its last words are in the message</exception>
    public async Task RunAsync(
        string program, int serverMajor, NpgsqlConnectionStringBuilder connection, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Find(program, serverMajor), arguments) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true };
        foreach (var (name, value) in Environment(connection))
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
        await output;
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {Last(await errors)}");
    }

    private string Find(string program, int serverMajor)
    {
        if (options.Value.Binaries.Length > 0)
            return Existing(Path.Combine(options.Value.Binaries, program))
                ?? throw new InputException($"There is no {program} in {options.Value.Binaries}: correct the setting Backup:Binaries.");
        // An older pg_dump refuses a newer server; the server's own version is tried first.
        var debian = Enumerable.Range(serverMajor, 10).Select(major => string.Create(CultureInfo.InvariantCulture, $"/usr/lib/postgresql/{major}/bin"));
        var path = (System.Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return debian.Concat(path).Select(folder => Existing(Path.Combine(folder, program))).FirstOrDefault(found => found is not null)
            ?? throw new InputException($"{program} of PostgreSQL {serverMajor} or later is not installed: install postgresql-client-{serverMajor}, or name its folder in Backup__Binaries.");
    }

    private static string? Existing(string path) => File.Exists(path) ? path : null;

    private static Dictionary<string, string?> Environment(NpgsqlConnectionStringBuilder connection) => new()
    {
        ["PGHOST"] = connection.Host,
        ["PGPORT"] = connection.Port.ToString(CultureInfo.InvariantCulture),
        ["PGDATABASE"] = connection.Database,
        ["PGUSER"] = connection.Username,
        ["PGPASSWORD"] = connection.Password,
        ["PGPASSFILE"] = connection.Passfile,
        ["PGSSLROOTCERT"] = connection.RootCertificate,
        ["PGSSLCERT"] = connection.SslCertificate,
        ["PGSSLKEY"] = connection.SslKey,
        ["PGSSLMODE"] = connection.SslMode switch
        {
            SslMode.VerifyCA => "verify-ca",
            SslMode.VerifyFull => "verify-full",
            var mode => mode.ToString().ToLowerInvariant(),
        },
        ["PGAPPNAME"] = "pimm backup",
        ["PGCONNECT_TIMEOUT"] = "10",
        ["LC_ALL"] = "C",
    };

    private static string Last(string text)
    {
        var line = text.Trim().ReplaceLineEndings(" ");
        return line.Length <= KeptOutput ? line : "…" + line[^KeptOutput..];
    }
}
