using System.Diagnostics;
using Dapper;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;

namespace Pimm.Jobs.Tests.Scheduling;

/// <summary>A database of its own, and worker processes with short intervals that fire its schedules.</summary>
public sealed class SchedulerWorld : IAsyncDisposable
{
    private readonly List<PimmProcess> workers = [];

    private SchedulerWorld(TestDatabase database)
    {
        Database = database;
        Schedules = new ScheduleStore(database.DataSource);
    }

    public static async Task<SchedulerWorld> CreateAsync() => new(await TestDatabase.MigratedAsync());

    public TestDatabase Database { get; }

    public ScheduleStore Schedules { get; }

    /// <summary>Fires every two seconds; its runs are of a kind that the workers here do not take.</summary>
    public async Task<long> AddFrequentAsync() => (await Schedules.AddAsync(Schedule.New("frequent", ScheduleKinds.Collect, null, null, "0/2 * * * * ?", "UTC", "test"))).Id;

    public PimmProcess StartWorker(params (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string>
        {
            ["Scheduling__Enabled"] = "true",
            ["Scheduling__Checkin"] = "00:00:00.5",
            ["Scheduling__CheckinMisfire"] = "00:00:02",
            ["Scheduling__Reconcile"] = "00:00:01",
            ["Scheduling__IdleWait"] = "00:00:01",
            ["Scheduling__MinimumInterval"] = "00:00:01",
        };
        foreach (var (name, value) in settings)
            all[name] = value;
        var worker = PimmProcess.Start(Database, all, "work", "--kinds", "wait");
        workers.Add(worker);
        return worker;
    }

    public Task<T?> ScalarAsync<T>(string sql) => OnOwnerAsync(connection => connection.ExecuteScalarAsync<T>(sql));

    public Task<IReadOnlyList<T>> QueryAsync<T>(string sql) => OnOwnerAsync(async connection => (IReadOnlyList<T>)[.. await connection.QueryAsync<T>(sql)]);

    public async Task<PimmProcess> ReadyAsync(PimmProcess worker)
    {
        await UntilAsync(async () => await ScalarAsync<long>("select count(*) from qrtz_triggers where next_fire_time > 0") > 0, worker);
        return worker;
    }

    public async Task UntilAsync(Func<Task<bool>> condition, PimmProcess? worker = null, int seconds = 40)
    {
        for (var waited = Stopwatch.StartNew(); !await condition(); await Task.Delay(50))
            waited.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(seconds), worker?.Error);
    }

    /// <summary>Waits for so many more firings of the schedule; runs are ended as a worker would.</summary>
    public async Task FiringsAsync(long schedule, int more, int seconds = 40)
    {
        var before = await CountAsync(schedule);
        await UntilAsync(async () =>
        {
            await ScalarAsync<int>("update job_run set state = 'succeeded', finished_at = clock_timestamp() where state = 'queued' and kind = 'collect'");
            return await CountAsync(schedule) >= before + more;
        }, seconds: seconds);
    }

    /// <summary>Every firing led to one run of its own, and none was asked for by anybody else.</summary>
    public async Task EachOccasionHasOneRunAsync(long schedule)
    {
        var firings = await Schedules.FiringsAsync(schedule, 1000);
        var runs = await QueryAsync<(long Id, string Key)>($"select id, dedupe_key from job_run where dedupe_key like 'schedule/{schedule}/%'");
        firings.Count.ShouldBeGreaterThan(0);
        foreach (var firing in firings.Where(firing => !firing.Outcome.EndsWith("waits already", StringComparison.Ordinal)))
            firing.Runs.ShouldBe([runs.Single(run => run.Key == $"schedule/{schedule}/{firing.Occasion}").Id]);
        runs.Count.ShouldBe(firings.SelectMany(firing => firing.Runs).Distinct().Count());
    }

    private Task<long> CountAsync(long schedule) => ScalarAsync<long>($"select count(*) from schedule_firing where schedule_id = {schedule}");

    private async Task<T> OnOwnerAsync<T>(Func<Npgsql.NpgsqlConnection, Task<T>> ask)
    {
        await using var connection = await Database.Owner.OpenConnectionAsync();
        return await ask(connection);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in workers)
            await worker.DisposeAsync();
        await Database.DisposeAsync();
    }
}
