using System.Globalization;
using System.Text;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Statistics;
using Pimm.Core.Training;
using Pimm.Testing;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>A database with one audience that has a history, and a folder for the files of trainings.</summary>
public sealed class TrainingAudience : IAsyncLifetime
{
    private const int Impressions = 3_000;
    private long audience;
    private int asked;
    private string? whole;

    public TestDatabase Database { get; private set; } = null!;

    public JobQueue Queue { get; private set; } = null!;

    public string Folder { get; } = Directory.CreateTempSubdirectory("pimm-trainings-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Database = await TestDatabase.MigratedAsync();
        Queue = new JobQueue(Database.DataSource);
        audience = await new AudienceStore(Database.DataSource, TimeProvider.System).CreateAsync("people", "key", [new("age", "number"), new("shop", "text")], ["click", "buy"]);
        var path = Path.Combine(Folder, "history.csv");
        await File.WriteAllTextAsync(path, History());
        var import = await Queue.EnqueueAsync(new JobRequest(ImportFile.JobKind, "history", new ImportRequest(audience, "history", path)));
        await using var worker = Worker();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(180));
        var run = await Queue.WaitAsync(import, limit.Token);
        if (run.State != JobStates.Succeeded)
            throw new InvalidOperationException(run.Error);
    }

    /// <summary>A worker whose trainings write a checkpoint every 20 steps.</summary>
    /// <param name="stopPatience">seconds that it waits for a training's last checkpoint</param>
    public PimmProcess Worker(int stopPatience = 20) => PimmProcess.Start("Pimm.Jobs", Database, new Dictionary<string, string>
    {
        ["Training__Folder"] = Folder, ["Training__CheckpointInterval"] = "00:00:00", ["Training__Threads"] = "1",
        ["Queueing__StopPatience"] = string.Create(CultureInfo.InvariantCulture, $"00:00:{stopPatience:D2}"), ["Queueing__RetryDelay"] = "00:00:00.2",
    }, [], "work");

    /// <summary>Asks for the training of a new line; the same settings are the same weights.</summary>
    public async Task<long> TrainAsync(int epochs, int batch = 100)
    {
        var settings = $$"""{"embedding": "4", "towers": "16,8", "dropout": "0.1,0.1", "batch": "{{batch}}", "patience": "1000", "epochs": "{{epochs}}"}""";
        var line = await new ModelStore(Database.DataSource, TimeProvider.System).CreateLineAsync(audience, $"line {++asked}", "pimm", settings, Cancel);
        var request = new TrainLineRequest(line, 5, new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));
        return await Queue.EnqueueAsync(new JobRequest(TrainModelLine.JobKind, $"line {asked}", request), Cancel);
    }

    /// <summary>The weights of such a training by a worker that nothing happens to.</summary>
    public async Task<string> WholeAsync(int epochs)
    {
        if (whole is not null)
            return whole;
        var run = await TrainAsync(epochs);
        await using var worker = Worker();
        var done = await FinishedAsync(run);
        return whole = await WeightsAsync(run) ?? throw new InvalidOperationException(done.Error);
    }

    public async Task<JobRun> FinishedAsync(long run)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(180));
        return await Queue.WaitAsync(run, limit.Token);
    }

    public async Task<JobRun> UntilAsync(long run, Func<JobRun, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(180));
        while (true)
        {
            var now = await Queue.GetAsync(run, limit.Token);
            if (condition(now))
                return now;
            await Task.Delay(30, limit.Token);
        }
    }

    /// <summary>Waits until the database knows a checkpoint of the run.</summary>
    public async Task<string> CheckpointAsync(long run)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(180));
        while (true)
        {
            if (await ValueAsync<string?>("select checkpoint_uri from job_run where id = @run and checkpoint_sha256 is not null", run) is { } uri)
                return uri;
            await Task.Delay(30, limit.Token);
        }
    }

    /// <summary>SHA-256 of the weights that the run made; null: none.</summary>
    public async Task<string?> WeightsAsync(long run) =>
        await ValueAsync<byte[]?>("select weights_sha256 from model_version where run_id = @run", run) is { } hash ? Convert.ToHexStringLower(hash) : null;

    public async Task<string> LogAsync(long run) =>
        await ValueAsync<string?>("select string_agg(message, E'\\n' order by fence, seq) from job_run_log where run_id = @run", run) ?? "";

    public string FolderOf(long run) => Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"run-{run}"));

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task<T> ValueAsync<T>(string sql, long run)
    {
        await using var connection = await Database.DataSource.OpenConnectionAsync(Cancel);
        return (await connection.ExecuteScalarAsync<T>(sql, new { run }))!;
    }

    private static string History()
    {
        var stream = new RandomStream(4, "history");
        var text = new StringBuilder("key,impression_at,click,buy,age,shop\n");
        var begin = new DateTime(2026, 1, 5, 0, 0, 0, DateTimeKind.Utc);
        for (var row = 0; row < Impressions; row++)
        {
            var (shop, age) = (stream.NextInt(4), 18 + stream.NextInt(60));
            var click = stream.NextDouble() < 0.2 + (0.1 * shop);
            var buy = click && stream.NextDouble() < (age < 40 ? 0.6 : 0.2);
            text.Append(CultureInfo.InvariantCulture, $"c{stream.NextInt(2000)},{begin.AddMinutes(10 * row):yyyy-MM-ddTHH:mm:ssZ},{(click ? 1 : 0)},{(buy ? 1 : 0)},{age},s{shop}\n");
        }

        return text.ToString();
    }
}
