using System.Diagnostics;
using System.Security.Cryptography;
using Npgsql;

namespace Pimm.Testing;

/// <summary>
/// The PostgreSQL that tests run against: the one of PIMM_TEST_DATABASE (a superuser's connection string), else a private one that
/// this process starts in a temporary folder. There is no third way: without PostgreSQL the tests fail.
/// </summary>
internal static class TestCluster
{
    private static readonly Lazy<string> Connection = new(() =>
        Environment.GetEnvironmentVariable("PIMM_TEST_DATABASE") is { Length: > 0 } given ? given : StartPrivate());

    /// <summary>A superuser's connection string.</summary>
    public static string ConnectionString => Connection.Value;

    // The shell waits for the end of its input: it stops the server when this process ends, however it ends.
    private const string Script = """
        set -e
        chmod 700 "$1"
        cd "$1"
        "$2/initdb" -D "$1/data" -U owner -A trust -E UTF8 --locale=C.UTF-8 --no-sync > "$1/log" 2>&1
        "$2/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
           -c max_connections=200 -c shared_buffers=128MB >> "$1/log" 2>&1 &
        server=$!
        read -r _ || true
        kill -QUIT $server
        wait $server || true
        rm -rf "$1"
        """;

    private static string StartPrivate()
    {
        var binaries = FindBinaries();
        // Short, because a socket's path may have 107 bytes.
        var folder = Path.Combine("/tmp", $"pimm-test-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}");
        Directory.CreateDirectory(folder);
        var start = new ProcessStartInfo { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        List<string> command = ["sh", "-c", Script, "sh", folder, binaries];
        if (Environment.UserName == "root")
        {
            Run("chown", "postgres", folder);
            command.InsertRange(0, ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        start.FileName = command[0];
        foreach (var argument in command.Skip(1))
            start.ArgumentList.Add(argument);
        var shell = Process.Start(start)!;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => { shell.StandardInput.Close(); shell.WaitForExit(10_000); };

        var connection = $"Host={folder};Username=owner;Database=postgres;Pooling=false";
        WaitUntilReady(connection, shell, Path.Combine(folder, "log"));
        return connection;
    }

    private static void WaitUntilReady(string connection, Process shell, string log)
    {
        for (var deadline = Stopwatch.StartNew(); ; Thread.Sleep(50))
        {
            try
            {
                using var probe = new NpgsqlConnection(connection);
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
}
