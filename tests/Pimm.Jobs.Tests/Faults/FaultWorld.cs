using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Xunit;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>
/// A database, a folder and worker processes that belong to one fault. The fault's promise is asserted by its test, what holds
/// after every fault by the <see cref="Oracle"/>.
/// </summary>
internal sealed class FaultWorld : IAsyncDisposable
{
    private const int LinesOfLog = 40;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly NpgsqlDataSource _observer;
    private readonly ConcurrentDictionary<long, int> _asked = new();
    private readonly List<PimmProcess> _workers = [];
    private readonly List<IAsyncDisposable> _kept = [];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pimm-fault-");
    private (double? Seconds, string Note) _recovery = (null, "");

    private FaultWorld(TestDatabase database)
    {
        Database = database;
        // Apart from the workers' role, so that a fault that befalls their connections spares the observer.
        _observer = NpgsqlDataSource.Create(database.OwnerConnectionString);
        Queue = new JobQueue(_observer);
        History = new RunHistory(_observer);
    }

    public TestDatabase Database { get; }

    public JobQueue Queue { get; }

    public RunHistory History { get; }

    /// <summary>Runs before it belong to the database that the world began with.</summary>
    public long FirstRun { get; private set; }

    public string Folder => _folder.FullName;

    public IReadOnlyList<PimmProcess> Workers => _workers;

    /// <summary>Environment of every worker of this world.</summary>
    public Dictionary<string, string> Settings { get; } = [];

    /// <summary>The test's own connections, of the role that owns the tables.</summary>
    public NpgsqlDataSource Observer => _observer;

    /// <param name="row">of the fault matrix</param>
    /// <param name="name">as the table calls it</param>
    /// <param name="database">null: an empty one on the cluster that all tests share</param>
    /// <param name="migrated">false: the test makes the tables, and prepares the history itself</param>
    public static async Task RunAsync(int row, string name, Func<FaultWorld, Task> fault, Task<TestDatabase>? database = null, bool migrated = true)
    {
        await using var world = new FaultWorld(await (database ?? TestDatabase.MigratedAsync()));
        try
        {
            if (migrated)
            {
                await world.History.PrepareAsync();
                world.FirstRun = 1 + (await world.Queue.ListAsync(limit: 1)).Select(run => run.Id).FirstOrDefault();
            }

            await fault(world);
            await new Oracle(world).CheckAsync();
            new FaultRecord(row, name, true, world._recovery.Seconds, world._recovery.Note).Write();
        }
        catch (Exception e)
        {
            new FaultRecord(row, name, false, world._recovery.Seconds, e.Message.ReplaceLineEndings(" ")).Write();
            foreach (var worker in world._workers)
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"--- worker {worker.Id}\n{string.Join('\n', worker.Error.Split('\n').TakeLast(LinesOfLog))}");
            }

            throw;
        }
        finally
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {world._recovery.Seconds:F1} s, {world._recovery.Note}");
        }
    }

    /// <summary>With all settings as the product has them.</summary>
    public static IReadOnlyDictionary<string, string> ProductIntervals { get; } = new QueueingOptions() is var options
        ? new Dictionary<string, string>
        {
            ["Queueing__Lease"] = $"{options.Lease}", ["Queueing__Heartbeat"] = $"{options.Heartbeat}", ["Queueing__SelfFence"] = $"{options.SelfFence}",
            ["Queueing__RestartGrace"] = $"{options.RestartGrace}", ["Queueing__Poll"] = $"{options.Poll}", ["Queueing__Reap"] = $"{options.Reap}",
        }
        : [];

    /// <param name="fault"><c>point:action[:nth]</c>; happens once in this world</param>
    public PimmProcess StartWorker(string? fault = null, IReadOnlyDictionary<string, string>? settings = null, params string[] wrapper)
    {
        var all = new Dictionary<string, string>
        {
            ["Exporting__Folder"] = Path.Combine(Folder, "exports"),
            ["Training__Folder"] = Path.Combine(Folder, "training"),
            ["Training__Threads"] = "1",
            ["Outcomes__Inbox"] = Path.Combine(Folder, "inbox"),
            ["Queueing__RetryDelay"] = "00:00:00.2",
        };
        if (fault is not null)
        {
            all["PIMM_FAULT"] = $"{fault}:{Marker(fault)}";
        }

        foreach (var (key, value) in Settings.Concat(settings ?? new Dictionary<string, string>()))
        {
            all[key] = value;
        }

        var worker = PimmProcess.Start("Pimm.FaultyWorker", Database, all, wrapper, "work");
        _workers.Add(worker);
        return worker;
    }

    /// <summary>Lives until the world ends, its oracle included.</summary>
    public T Keep<T>(T thing) where T : IAsyncDisposable
    {
        _kept.Add(thing);
        return thing;
    }

    /// <summary>The server has been away: the test's own connections are dead.</summary>
    public void Reconnect() => _observer.Clear();

    /// <summary>When the fault happened; waits for it.</summary>
    public async Task<DateTimeOffset> HappenedAsync(string fault)
    {
        await UntilAsync(() => Task.FromResult(File.Exists(Marker(fault))), $"the fault {fault} happens");
        return File.GetLastWriteTimeUtc(Marker(fault));
    }

    /// <summary>Asks for a run of the kind "effects".</summary>
    /// <param name="before">seconds of computing before the first effect</param>
    /// <param name="between">seconds between two effects</param>
    /// <param name="poison">comes to the point effects.poison</param>
    public async Task<long> AskAsync(string key, int count, double before = 0, double between = 0, int maxAttempts = 3, bool poison = false)
    {
        var id = await Queue.EnqueueAsync(new JobRequest(
            "effects", key, new { Count = count, Folder, SecondsBefore = before, SecondsBetween = between, Poison = poison }, MaxAttempts: maxAttempts));
        _asked[id] = count;
        return id;
    }

    public int EffectsAsked(long run) => _asked[run];

    public async Task<JobRun> FinishedAsync(long run)
    {
        using var limit = new CancellationTokenSource(Patience);
        return await Queue.WaitAsync(run, limit.Token);
    }

    public Task UntilAsync(long run, Func<JobRun, bool> condition) =>
        UntilAsync(async () => condition(await Queue.GetAsync(run)), $"run {run} is as it should be");

    /// <param name="patience">null: as long as for a run</param>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what, TimeSpan? patience = null)
    {
        var limit = patience ?? Patience;
        for (var waited = Stopwatch.StartNew(); !await condition(); await Task.Delay(50))
        {
            if (waited.Elapsed > limit)
            {
                throw new TimeoutException($"After {limit.TotalSeconds:F0} s it still does not hold that {what}.");
            }
        }
    }

    /// <summary>For the table: the run of a worker that broke at <paramref name="fault"/>, taken over and finished.</summary>
    public async Task RecoveredAsync(long run, DateTimeOffset fault, string note = "")
    {
        var (first, end) = await History.RecoveryAsync(run, fault);
        Recovered(first, string.Create(CultureInfo.InvariantCulture, $"finished {end:F1} s after the fault{(note.Length > 0 ? "; " + note : "")}"));
    }

    /// <param name="seconds">null: there was nothing to recover</param>
    public void Recovered(double? seconds, string note) => _recovery = (seconds, note);

    private string Marker(string fault) => Path.Combine(Folder, "happened." + fault.Replace(':', '-').Replace('.', '-'));

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }

        foreach (var kept in _kept)
        {
            await kept.DisposeAsync();
        }

        await _observer.DisposeAsync();
        await Database.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
