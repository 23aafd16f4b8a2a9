using System.CommandLine;
using System.Runtime.InteropServices;
using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Database;
using TorchSharp;

namespace Pimm.Jobs.CommandLine;

/// <summary>One thing looked at.</summary>
/// <param name="Note">what was found, or what to do</param>
public sealed record DoctorFinding(string Name, bool Ok, string Note);

public static class DoctorCommand
{
    public static Command Create() =>
        new Command("doctor", "what is installed, which versions, is the database reachable and migrated; each line OK or what to do") { Invocation.JsonOption }
            .Does(async (call, cancellationToken) =>
            {
                List<DoctorFinding> findings =
                [
                    new("pimm", true, Version(typeof(PimmCore))),
                    new(".NET", true, RuntimeInformation.FrameworkDescription),
                    new("machine", true, $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores"),
                    await LookAsync("torch", () => Task.Run(Torch, cancellationToken)),
                    await LookAsync("database", () => ServerVersionAsync(call.Service<NpgsqlDataSource>(), cancellationToken)),
                    await LookAsync("migrations", () => MigrationsAsync(call.Service<NpgsqlDataSource>(), cancellationToken))
                ];
                call.Print(new { Ok = findings.TrueForAll(finding => finding.Ok), Findings = findings }, lines =>
                {
                    foreach (var finding in findings)
                        lines.WriteLine($"{(finding.Ok ? "OK  " : "TODO")}  {finding.Name,-11} {finding.Note}");
                });
                return findings.TrueForAll(finding => finding.Ok) ? ExitCode.Done : ExitCode.Failed;
            });

    // A sum that only a loaded libtorch can do.
    private static string Torch()
    {
        using var two = torch.ones(2).sum();
        var devices = torch.cuda.is_available() ? $"{torch.cuda.device_count()} CUDA device(s)" : "no CUDA device";
        return two.item<float>() == 2f
            ? $"libtorch {torch.__version__}, {torch.get_num_threads()} threads, {devices}"
            : throw new InvalidOperationException("libtorch adds 1 and 1 up wrongly: install libtorch-dev again.");
    }

    private static async Task<DoctorFinding> LookAsync(string name, Func<Task<string>> look)
    {
        try
        {
            return new DoctorFinding(name, true, await look());
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new DoctorFinding(name, false, PostgresErrors.Translate(e).Message);
        }
    }

    private static async Task<string> ServerVersionAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        if (connection.PostgreSqlVersion.Major < 15)
            throw new InputException($"PostgreSQL is {connection.PostgreSqlVersion}: Pimm needs 15 or later.");
        if (await connection.ExecuteScalarAsync<string>("show fsync") == "off")
            throw new InputException("PostgreSQL runs with fsync = off and would lose data in a crash: switch it on in postgresql.conf.");
        return $"PostgreSQL {connection.PostgreSqlVersion} at {connection.Host}:{connection.Port}, database {connection.Database}, user {connection.UserName}";
    }

    private static async Task<string> MigrationsAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var missing = await Migrator.MissingAsync(database, Migrator.DefaultFolder, cancellationToken);
        return missing.Count == 0
            ? "up to date"
            : throw new InputException($"{missing.Count} migrations are missing, the first is {missing[0]}: run ./pimm migrate.");
    }

    private static string Version(Type type) => type.Assembly.GetName().Version?.ToString(3) ?? "unknown";
}
