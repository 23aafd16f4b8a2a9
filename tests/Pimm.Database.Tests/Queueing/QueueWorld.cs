using System.Collections.Concurrent;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Queueing;
using Pimm.Testing;

namespace Pimm.Database.Tests.Queueing;

/// <summary>A database with a queue, short intervals, and workers started and stopped at will.</summary>
public sealed class QueueWorld : IAsyncDisposable
{
    private readonly ConcurrentBag<WorkerLeases> leases = [];
    private readonly List<Worker> workers = [];

    private QueueWorld(TestDatabase database)
    {
        Database = database;
        Queue = new JobQueue(database.DataSource);
    }

    public static async Task<QueueWorld> CreateAsync() => new(await TestDatabase.MigratedAsync());

    public TestDatabase Database { get; }

    public JobQueue Queue { get; }

    public static QueueingOptions Quick(int slots = 1) => new()
    {
        Slots = slots,
        Lease = TimeSpan.FromSeconds(4),
        Heartbeat = TimeSpan.FromMilliseconds(300),
        SelfFence = TimeSpan.FromSeconds(3),
        RestartGrace = TimeSpan.Zero,
        Poll = TimeSpan.FromMilliseconds(200),
        Reap = TimeSpan.FromMilliseconds(200),
        RetryDelay = TimeSpan.FromMilliseconds(50),
        StopPatience = TimeSpan.FromSeconds(5)
    };

    public LeaseStore Store(QueueingOptions? options = null) => Leases(options ?? Quick()).Store;

    /// <summary>A claim by a worker that then never says another word.</summary>
    public Task<ClaimedRun?> ClaimSilentlyAsync(string owner = "silent") => Store().ClaimAsync(["job"], owner, Quick(), default);

    public async Task<Worker> StartAsync(Func<JobExecution, CancellationToken, Task> body, QueueingOptions? options = null)
    {
        var worker = new Worker([new Job(body)], Database.DataSource, Leases(options ?? Quick()), TimeProvider.System, NullLogger<Worker>.Instance);
        workers.Add(worker);
        await worker.StartAsync(default);
        return worker;
    }

    public Task<long> AskAsync(string key = "key", int maxAttempts = 3, TimeSpan? maxDuration = null, string[]? requires = null) =>
        Queue.EnqueueAsync(new JobRequest("job", key, new { Key = key }, MaxAttempts: maxAttempts, MaxDuration: maxDuration, Requires: requires));

    public async Task<JobRun> FinishedAsync(long id, int seconds = 20)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        return await Queue.WaitAsync(id, limit.Token);
    }

    public async Task<JobRun> UntilAsync(long id, Func<JobRun, bool> condition, int seconds = 15)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (true)
        {
            var run = await Queue.GetAsync(id, limit.Token);
            if (condition(run)) return run;
            await Task.Delay(20, limit.Token);
        }
    }

    public async Task<T?> ScalarAsync<T>(string sql)
    {
        await using var connection = await Database.Owner.OpenConnectionAsync();
        return await connection.ExecuteScalarAsync<T>(sql);
    }

    public Task ExpireLeaseAsync(long id) => ScalarAsync<int>($"update job_run set lease_until = clock_timestamp() - interval '1 second' where id = {id}");

    private WorkerLeases Leases(QueueingOptions options)
    {
        var made = new WorkerLeases(Options.Create(Database.Options), Options.Create(options));
        leases.Add(made);
        return made;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in workers)
        {
            await worker.StopAsync(default);
            worker.Dispose();
        }
        foreach (var lease in leases)
            await lease.DisposeAsync();
        await Database.DisposeAsync();
    }

    private sealed class Job(Func<JobExecution, CancellationToken, Task> body) : IJob
    {
        public string Kind => "job";

        public Task RunAsync(JobExecution run, CancellationToken cancellationToken) => body(run, cancellationToken);
    }
}
