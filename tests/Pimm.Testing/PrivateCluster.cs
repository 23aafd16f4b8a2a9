using System.Diagnostics;
using System.Security.Cryptography;
using Npgsql;

namespace Pimm.Testing;

/// <summary>
/// A PostgreSQL that lives as long as this process, in a temporary folder and on a socket of its own. A test that stops the
/// server, or moves its clock, starts one for itself.
/// </summary>
public sealed class PrivateCluster : IAsyncDisposable
{
    // The shell waits for the end of its input: it stops the server when this process ends, however it ends.
    private const string Script = """
        set -e
        folder=$1 binaries=$2
        shift 2
        chmod 700 "$folder"
        cd "$folder"
        "$binaries/initdb" -D "$folder/data" -U owner -A trust -E UTF8 --locale=C.UTF-8 --no-sync > "$folder/log" 2>&1
        start() {
          # shellcheck disable=SC2086 # one word a variable
          env $environment "$binaries/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= "$@" >> "$folder/log" 2>&1 &
          server=$!
        }
        stop() { kill -QUIT $server 2> /dev/null || true; wait $server || true; }
        environment= && start "$@"
        while read -r order environment; do
          case $order in
            start) start "$@" ;;
            stop) stop ;;
          esac
          echo "$order"
        done
        stop
        rm -rf "$folder"
        """;

    private readonly Process shell;
    private readonly string log;

    private PrivateCluster(Process shell, string folder)
    {
        (this.shell, log) = (shell, Path.Combine(folder, "log"));
        ConnectionString = $"Host={folder};Username=owner;Database=postgres;Pooling=false";
        AppDomain.CurrentDomain.ProcessExit += (_, _) => End();
    }

    /// <summary>A superuser's.</summary>
    public string ConnectionString { get; }

    /// <param name="settings">of the server, NAME=VALUE</param>
    public static PrivateCluster Start(params string[] settings)
    {
        var binaries = Binaries;
        // Short, because a socket's path may have 107 bytes.
        var folder = Path.Combine("/tmp", $"pimm-test-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}");
        Directory.CreateDirectory(folder);
        List<string> command = ["sh", "-c", Script, "sh", folder, binaries, "-c", "fsync=off", .. settings.SelectMany(setting => (string[])["-c", setting])];
        if (Environment.UserName == "root")
        {
            Run("chown", "postgres", folder);
            command.InsertRange(0, ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        var cluster = new PrivateCluster(Process.Start(start)!, folder);
        cluster.WaitUntilReady();
        return cluster;
    }

    /// <summary>As a power cut stops it (<c>pg_ctl -m immediate</c>): every session ends at once, and the next start recovers.</summary>
    public Task StopAsync() => OrderAsync("stop");

    /// <param name="environment">NAME=VALUE for the server, separated by spaces</param>
    public async Task RestartAsync(string environment = "")
    {
        await OrderAsync($"start {environment}");
        WaitUntilReady();
    }

    private async Task OrderAsync(string order)
    {
        await shell.StandardInput.WriteLineAsync(order);
        await shell.StandardInput.FlushAsync();
        _ = await shell.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"The tests' PostgreSQL has ended: {File.ReadAllText(log)}");
    }

    private void WaitUntilReady()
    {
        for (var deadline = Stopwatch.StartNew(); ; Thread.Sleep(50))
        {
            try
            {
                using var probe = new NpgsqlConnection(ConnectionString);
                probe.Open();
                return;
            }
            catch (NpgsqlException) when (deadline.Elapsed < TimeSpan.FromSeconds(60) && !shell.HasExited)
            {
            }
            catch (NpgsqlException e)
            {
                var reason = File.Exists(log) ? File.ReadAllText(log) : shell.StandardError.ReadToEnd();
                throw new InvalidOperationException($"The tests' PostgreSQL did not start: {reason}", e);
            }
        }
    }

    /// <summary>Folder of the server's programs, pgbench and psql among them.</summary>
    public static string Binaries { get; } = FindBinaries();

    private static string FindBinaries()
    {
        var candidates = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin")) : [];
        return candidates.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")))
            ?? throw new InvalidOperationException("The tests need PostgreSQL 15 or later and found none: install it (apt install postgresql), or name a server's superuser connection in PIMM_TEST_DATABASE.");
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }

    private void End()
    {
        shell.StandardInput.Close();
        shell.WaitForExit(10_000);
    }

    public ValueTask DisposeAsync()
    {
        End();
        return ValueTask.CompletedTask;
    }
}
