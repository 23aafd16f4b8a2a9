using System.Diagnostics;
using System.Globalization;
using System.Text;
using Dapper;
using Npgsql;
using Pimm.Core.Access;
using Pimm.Testing;
using Pimm.Web.Tests;

namespace Pimm.Benchmarks;

/// <summary>
/// Events over HTTP against pgbench writing the same rows into the same tables, as many a transaction and by as many clients: once
/// set-based, which is the most that PostgreSQL does, and once a row a statement, which is what a plain client does. Half of the
/// events are outcomes, a quarter deliveries, a quarter first stages. Then the time to an answer at a fixed rate.
/// </summary>
internal sealed class IngestApi : IAsyncDisposable
{
    private const int Batch = 2_000;
    private const int Impressions = Batch / 4;
    private const int Clients = 4;
    private const int Transactions = 10;
    private const int Rounds = 3;
    private const int WarmUp = 100;
    private const int Customers = ((Rounds * Clients * Transactions) + WarmUp) * Impressions;
    private const double LeastShare = 0.5;

    private const int OfferedPerSecond = 2_000;
    private const int OfferedBatch = 200;
    private const int OfferedSeconds = 30;
    private const double MostMilliseconds = 500;

    private readonly PrivateCluster cluster = PrivateCluster.Start("fsync=on", "shared_buffers=256MB", "max_wal_size=4GB");
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pimm-ingest-");
    private readonly HttpClient client = new();
    private TestDatabase database = null!;
    private OutcomeWorld world = null!;
    private PimmApp app = null!;
    private int sent;

    public static async Task<IReadOnlyList<IngestResult>> MeasureAsync()
    {
        await using var bench = new IngestApi();
        await bench.PrepareAsync();
        var throughput = await bench.ThroughputAsync();
        return [.. throughput, await bench.LatencyAsync()];
    }

    private async Task PrepareAsync()
    {
        database = await TestDatabase.MigratedAsync(cluster);
        var wave = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(-3);
        world = await OutcomeWorld.CreateAsync(database.DataSource, "bench", Customers, Customers, wave);
        await using (var owner = await database.Owner.OpenConnectionAsync())
        {
            await owner.ExecuteAsync("create sequence bench_transaction");
            await owner.ExecuteAsync("vacuum (analyze)");
        }
        var keys = new KeyAdministration(database.DataSource, new ApiKeyStore(database.DataSource), TimeProvider.System);
        client.DefaultRequestHeaders.Authorization = new("Bearer", (await keys.CreateAsync("bench", [ApiScopes.OutcomesWrite], 1, "cli:bench")).Text);
        app = await PimmApp.StartAsync(database, new Dictionary<string, string> { ["Api__RequestsPerSecond"] = "100000", ["Api__Burst"] = "100000" });
        File.WriteAllText(Script("sets"), SetScript());
        File.WriteAllText(Script("rows"), RowScript());
        await SendAllAsync(Bodies(WarmUp), Clients);
        Pgbench("sets", 1);
    }

    private async Task<IReadOnlyList<IngestResult>> ThroughputAsync()
    {
        var (ours, sets, rows) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            var bodies = Bodies(Clients * Transactions);
            var clock = Stopwatch.StartNew();
            await SendAllAsync(bodies, Clients);
            ours.Add(bodies.Count * Batch / clock.Elapsed.TotalSeconds);
            sets.Add(Pgbench("sets", Transactions));
            rows.Add(Pgbench("rows", Transactions));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round + 1}: {ours[^1]:N0} events/s over HTTP, pgbench {sets[^1]:N0} set-based and {rows[^1]:N0} by rows"));
        }
        return [Against("pgbench set-based", sets), Against("pgbench row by row", rows)];

        IngestResult Against(string mode, List<double> peer)
        {
            var ratio = IngestRatio.Of(ours.Zip(peer, (a, b) => a / b));
            return new IngestResult("events over HTTP", Batch, mode, IngestRatio.MedianOf(ours), IngestRatio.MedianOf(peer), ratio, "events/s", ratio.Median >= LeastShare, "at least 0.5 of the peer");
        }
    }

    /// <summary>Batches are due at fixed times, whether or not the one before is answered; a batch that starts late has waited.</summary>
    private async Task<IngestResult> LatencyAsync()
    {
        var bodies = Enumerable.Range(0, OfferedPerSecond / OfferedBatch * OfferedSeconds).Select(_ => Body(OfferedBatch)).ToList();
        var took = new double[bodies.Count];
        var interval = TimeSpan.FromSeconds((double)OfferedBatch / OfferedPerSecond);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(bodies.Select(async (body, i) =>
        {
            var due = i * interval;
            if (due > clock.Elapsed)
            {
                await Task.Delay(due - clock.Elapsed);
            }
            await SendAsync(body);
            took[i] = (clock.Elapsed - due).TotalMilliseconds;
        }));
        Array.Sort(took);
        double At(double share) => took[(int)Math.Ceiling(share * took.Length) - 1];
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"latency at {OfferedPerSecond:N0} events/s: p50 {At(0.5):0} ms, p95 {At(0.95):0} ms, p99 {At(0.99):0} ms, most {took[^1]:0} ms"));
        return new IngestResult("time to the answer, p99", OfferedBatch, $"{OfferedPerSecond:N0} events/s offered", At(0.99), null, null, "ms", At(0.99) <= MostMilliseconds, "at most 500 ms");
    }

    private List<byte[]> Bodies(int count) => [.. Enumerable.Range(0, count).Select(_ => Body(Batch))];

    private byte[] Body(int events)
    {
        var text = new StringBuilder("{\"events\":[");
        for (var i = 0; i < events; i++)
        {
            var number = sent++;
            var (id, customer) = (string.Create(CultureInfo.InvariantCulture, $"e{number}"), number / 4 % Customers);
            text.Append(i == 0 ? "" : ",").Append((number % 4) switch
            {
                0 => world.Delivered(id, customer),
                1 => world.Label(id, customer, 1),
                _ => world.Outcome(id, number % Customers, 12.5),
            });
        }
        return Encoding.UTF8.GetBytes(text.Append("]}").ToString());
    }

    private async Task SendAllAsync(IEnumerable<byte[]> bodies, int clients) =>
        await Parallel.ForEachAsync(bodies, new ParallelOptions { MaxDegreeOfParallelism = clients }, async (body, _) => await SendAsync(body));

    private async Task SendAsync(byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(app.Address, "/api/v1/outcomes")) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        using var answer = await client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode || !text.Contains("\"quarantined\":0,", StringComparison.Ordinal) || !text.Contains("\"duplicate\":0,", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The batch was answered with {(int)answer.StatusCode}: {text}");
        }
    }

    /// <returns>events a second</returns>
    private double Pgbench(string script, int transactions)
    {
        var settings = new NpgsqlConnectionStringBuilder(database.OwnerConnectionString);
        var start = new ProcessStartInfo(Path.Combine(PrivateCluster.Binaries, "pgbench"),
        [
            "-h", settings.Host!, "-U", settings.Username!, "-n", "-c", $"{Clients}", "-j", "1", "-t", $"{transactions}", "-M", "prepared", "-f", Script(script), settings.Database!,
        ]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var rate = output.Split('\n').FirstOrDefault(line => line.StartsWith("tps = ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"pgbench ended with {process.ExitCode}: {output}");
        return Batch * double.Parse(rate.Split(' ')[2], CultureInfo.InvariantCulture);
    }

    private string Script(string name) => Path.Combine(folder.FullName, $"{name}.sql");

    // The same rows as one batch of ours; md5 stands for the customers' keys, as scattered and as long.
    private string SetScript() => string.Create(CultureInfo.InvariantCulture,
        $"""
        begin;
        select nextval('bench_transaction') as t \gset
        insert into outcome_event(source, event_id) select 'sets', 's' || ((:t)::bigint * {Batch} + i) from generate_series(0, {Batch - 1}) i;
        insert into delivery select md5((:t)::bigint || '/' || i)::uuid, {world.Campaign}, '{world.Wave:yyyy-MM-dd}', now() from generate_series(1, {Impressions}) i;
        insert into funnel_label select md5((:t)::bigint || '/' || i)::uuid, {world.Campaign}, '{world.Wave:yyyy-MM-dd}', 1, now() from generate_series(1, {Impressions}) i;
        insert into customer_outcome(customer, audience_id, occurred_at, amount, source, event_id)
        select md5((:t)::bigint || '/' || i)::uuid, {world.Audience}, now(), 12.5, 'sets', 's' || ((:t)::bigint * {Batch} + i) from generate_series({2 * Impressions}, {Batch - 1}) i;
        insert into outcome_received(received_at, source, event_id, weak, kind, customer, audience_id, campaign_id, wave_date, stage, occurred_at, amount, void)
        select now(), 'sets', 's' || ((:t)::bigint * {Batch} + i), false, 3, md5((:t)::bigint || '/' || i)::uuid, {world.Audience}, {world.Campaign}, '{world.Wave:yyyy-MM-dd}', 1, now(), 12.5, false from generate_series(0, {Batch - 1}) i;
        commit;

        """);

    private string RowScript()
    {
        var text = new StringBuilder("begin;\nselect nextval('bench_transaction') as t \\gset\n");
        for (var i = 0; i < Batch; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"insert into outcome_event(source, event_id) values ('rows', 's' || ((:t)::bigint * {Batch} + {i}));\n");
            text.Append((i % 4) switch
            {
                0 => string.Create(CultureInfo.InvariantCulture, $"insert into delivery values (md5((:t)::bigint || '/{i / 4}')::uuid, {world.Campaign}, '{world.Wave:yyyy-MM-dd}', now());\n"),
                1 => string.Create(CultureInfo.InvariantCulture, $"insert into funnel_label values (md5((:t)::bigint || '/{i / 4}')::uuid, {world.Campaign}, '{world.Wave:yyyy-MM-dd}', 1, now());\n"),
                _ => string.Create(CultureInfo.InvariantCulture, $"insert into customer_outcome(customer, audience_id, occurred_at, amount, source, event_id) values (md5((:t)::bigint || '/{i}')::uuid, {world.Audience}, now(), 12.5, 'rows', 's' || ((:t)::bigint * {Batch} + {i}));\n"),
            });
            text.Append(CultureInfo.InvariantCulture,
                $"insert into outcome_received(received_at, source, event_id, weak, kind, customer, audience_id, campaign_id, wave_date, stage, occurred_at, amount, void) values (now(), 'rows', 's' || ((:t)::bigint * {Batch} + {i}), false, 3, md5((:t)::bigint || '/{i}')::uuid, {world.Audience}, {world.Campaign}, '{world.Wave:yyyy-MM-dd}', 1, now(), 12.5, false);\n");
        }
        return text.Append("commit;\n").ToString();
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        if (app is not null)
        {
            await app.DisposeAsync();
        }
        if (database is not null)
        {
            await database.DisposeAsync();
        }
        await cluster.DisposeAsync();
        folder.Delete(recursive: true);
    }
}
