using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Dapper;
using Npgsql;
using Pimm.Core.Access;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests.Api;

/// <summary>Batches sent to the real app by programs with keys; some tests start an app for themselves and kill it.</summary>
public sealed class OutcomesApiTests(WebFixture web) : IAsyncLifetime
{
    private const string Path = "/api/v1/outcomes";

    private static int worlds;

    private OutcomeWorld world = null!;
    private string source = "";
    private string key = "";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        source = string.Create(CultureInfo.InvariantCulture, $"channel {Interlocked.Increment(ref worlds)}");
        (world, key) = await PrepareAsync(web.Database, source);
    }

    [Fact]
    public async Task A_batch_is_answered_and_answered_again_without_effect()
    {
        string[] events = [world.Outcome("a", 1, 10), world.Delivered("b", 2), world.Outcome("c", 999, 1)];

        var first = await SendAsync(web.Address, "one", Document(events));
        var again = await SendAsync(web.Address, "one", Document(events));
        var lines = await SendAsync(web.Address, "two", string.Join("\r\n", events) + "\n\n", "application/x-ndjson; charset=utf-8");
        var other = await SendAsync(web.Address, "one", Document(events[..1]));

        (first.Status, first.Replayed).ShouldBe((HttpStatusCode.OK, false));
        first.Text.ShouldBe("""{"received":3,"accepted":2,"duplicate":0,"quarantined":1,"late":0,"weak":0,"errors":[{"index":2,"code":"unknown_customer","field":"customer","message":"no customer of this audience has this key."}]}""");
        (again.Status, again.Replayed, again.Text).ShouldBe((HttpStatusCode.OK, true, first.Text));
        Count(lines).ShouldBe((3, 0, 2, 1));
        (other.Status, other.Code).ShouldBe((HttpStatusCode.UnprocessableEntity, "key-used"));
    }

    [Fact]
    public async Task What_is_no_batch_is_refused_with_a_sentence_and_stores_nothing()
    {
        var good = world.Outcome("r", 1, 1);
        var tooMany = Document(Enumerable.Range(0, 2_001).Select(i => $"{{\"event_id\":\"{i}\"}}"));

        (await SendAsync(web.Address, null, Document([good]))).ShouldBeProblem(400, "wrong-input");
        (await SendAsync(web.Address, new string('k', 256), Document([good]))).ShouldBeProblem(400, "wrong-input");
        (await SendAsync(web.Address, "k", "{\"events\":[")).ShouldBeProblem(400, "wrong-input");
        (await SendAsync(web.Address, "k", "[]")).ShouldBeProblem(400, "wrong-input");
        (await SendAsync(web.Address, "k", Document([good]), path: $"{Path}?order=sideways")).ShouldBeProblem(400, "wrong-input");
        (await SendAsync(web.Address, "k", Document([good]), path: $"{Path}?atmoic=true")).ShouldBeProblem(400, "unknown-parameter");
        (await SendAsync(web.Address, "k", Document([]))).ShouldBeProblem(422, "batch-size");
        (await SendAsync(web.Address, "k", tooMany)).ShouldBeProblem(422, "batch-size");
        (await SendAsync(web.Address, "k", Document([good]) + new string(' ', 1 << 20))).ShouldBeProblem(413, "too-large");
        (await SendAsync(web.Address, "k", "a=b", "application/x-www-form-urlencoded")).ShouldBeProblem(415, "unsupported-content-type");
        (await SendAsync(web.Address, "k", Document([good, world.Outcome("r2", 999, 1)]), path: $"{Path}?atomic=true")).ShouldBeProblem(422, "batch-refused");
        (await CountAsync("outcome_batch", source)).ShouldBe(0);
        (await SendAsync(web.Address, "k", Document([good]))).Status.ShouldBe(HttpStatusCode.OK, "None of these kept the key.");
    }

    [Fact]
    public async Task A_batch_beyond_what_the_server_takes_at_once_comes_again_and_the_same_one_is_told_that_it_is_at_work()
    {
        await using var app = await PimmApp.StartAsync(web.Database, new Dictionary<string, string> { ["Outcomes__BatchesAtOnce"] = "2", ["Outcomes__WaitingBatches"] = "0" });
        await using var blocker = await BlockAsync(web.Database);
        var first = SendAsync(app.Address, "one", Document([world.Outcome("p1", 1, 1)]));
        await WaitUntilBlockedAsync(web.Database, 1);

        var same = await SendAsync(app.Address, "one", Document([world.Outcome("p1", 1, 1)]));
        var second = SendAsync(app.Address, "two", Document([world.Outcome("p2", 1, 1)]));
        await WaitUntilBlockedAsync(web.Database, 2);
        var third = await SendAsync(app.Address, "three", Document([world.Outcome("p3", 1, 1)]));
        await blocker.DisposeAsync();

        same.ShouldBeProblem(409, "in-flight");
        third.ShouldBeProblem(429, "too-many-batches");
        (same.RetryAfter, third.RetryAfter).ShouldBe((true, true));
        Count(await first).ShouldBe((1, 1, 0, 0));
        Count(await second).ShouldBe((1, 1, 0, 0));
    }

    [Fact]
    public async Task A_process_that_dies_in_flight_leaves_nothing_and_blocks_nobody()
    {
        var body = Document([world.Outcome("d1", 1, 1), world.Outcome("d2", 999, 1)]);
        var app = await PimmApp.StartAsync(web.Database);
        await using (await BlockAsync(web.Database))
        {
            var lost = SendAsync(app.Address, "one", body);
            await WaitUntilBlockedAsync(web.Database, 1);
            await app.DisposeAsync();
            await Should.ThrowAsync<HttpRequestException>(() => lost);
        }

        HttpAnswer answer;
        do
        {
            answer = await SendAsync(web.Address, "one", body);
        }
        while (answer.Status == HttpStatusCode.Conflict);

        answer.Replayed.ShouldBeFalse();
        Count(answer).ShouldBe((2, 1, 0, 1));
        (await CountAsync("outcome_event", source)).ShouldBe(1);
        (await CountAsync("outcome_problem", source)).ShouldBe(1);
        (await CountAsync("outcome_batch", source)).ShouldBe(1);
    }

    [Theory]
    [InlineData(150)]
    [InlineData(400)]
    public async Task Batches_that_a_kill_interrupts_count_once_when_they_are_sent_again(int killAfter)
    {
        var batches = Enumerable.Range(0, 40).Select(b => Document(Enumerable.Range(0, 60).Select(i => world.Outcome($"{(b * 50) + i}", i, 1)))).ToList();
        var app = await PimmApp.StartAsync(web.Database);
        var sending = Task.WhenAll(batches.Select((body, b) => TryAsync(app.Address, $"b{b}", body)));
        await Task.Delay(killAfter, Cancel);
        await app.DisposeAsync();
        await sending;

        var accepted = 0;
        for (var b = 0; b < batches.Count; b++)
        {
            var answer = await SendAsync(web.Address, $"b{b}", batches[b]);
            while (answer.Status == HttpStatusCode.Conflict)
            {
                answer = await SendAsync(web.Address, $"b{b}", batches[b]);
            }
            var counts = Count(answer);
            counts.Received.ShouldBe(counts.Accepted + counts.Duplicate + counts.Quarantined);
            accepted += counts.Accepted;
        }

        // Neighbouring batches overlap by ten events.
        accepted.ShouldBe(2_010);
        foreach (var table in new[] { "outcome_event", "customer_outcome", "outcome_received" })
        {
            (await CountAsync(table, source)).ShouldBe(2_010, table);
        }
        (await CountAsync("outcome_batch", source)).ShouldBe(batches.Count);
    }

    [Fact]
    public async Task Whoever_sends_a_body_drop_by_drop_is_cut_off()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(web.Address.Host, web.Address.Port, Cancel);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {Path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: slow\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"), Cancel);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        var dripping = Task.Run(async () =>
        {
            try
            {
                for (; ; await Task.Delay(500, patience.Token))
                    await stream.WriteAsync(" "u8.ToArray(), patience.Token);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
            }
        }, Cancel);

        using var reader = new StreamReader(stream, leaveOpen: true);
        var status = await reader.ReadLineAsync(patience.Token);

        status.ShouldBe("HTTP/1.1 408 Request Timeout");
        await patience.CancelAsync();
        await dripping;
    }

    [Fact]
    public async Task While_the_database_is_away_batches_are_asked_to_come_again()
    {
        await using var cluster = PrivateCluster.Start();
        await using var database = await TestDatabase.MigratedAsync(cluster);
        var (own, ownKey) = await PrepareAsync(database, "away");
        await using var app = await PimmApp.StartAsync(database);
        (world, key) = (own, ownKey);
        Count(await SendAsync(app.Address, "one", Document([own.Outcome("w1", 1, 1)]))).ShouldBe((1, 1, 0, 0));

        await cluster.StopAsync();
        var away = await SendAsync(app.Address, "two", Document([own.Outcome("w2", 1, 1)]));
        await cluster.RestartAsync();

        away.ShouldBeProblem(503, "database-away");
        away.RetryAfter.ShouldBeTrue();
        HttpAnswer back;
        for (back = away; back.Status == HttpStatusCode.ServiceUnavailable; await Task.Delay(100, Cancel))
        {
            back = await SendAsync(app.Address, "two", Document([own.Outcome("w2", 1, 1)]));
        }
        Count(back).ShouldBe((1, 1, 0, 0));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string Document(IEnumerable<string> events) => $"{{\"events\":[{string.Join(',', events)}]}}";

    private static (int Received, int Accepted, int Duplicate, int Quarantined) Count(HttpAnswer answer)
    {
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Text);
        var counts = JsonNode.Parse(answer.Text)!;
        return (Of("received"), Of("accepted"), Of("duplicate"), Of("quarantined"));

        int Of(string name) => counts[name]!.GetValue<int>();
    }

    private static async Task<(OutcomeWorld World, string Key)> PrepareAsync(TestDatabase database, string name)
    {
        var today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        var world = await OutcomeWorld.CreateAsync(database.DataSource, name, 100, 100, today.AddDays(-3));
        var keys = new KeyAdministration(database.DataSource, new ApiKeyStore(database.DataSource), TimeProvider.System);
        return (world, (await keys.CreateAsync(name, [ApiScopes.OutcomesWrite], 1, "tests", Cancel)).Text);
    }

    private async Task<HttpAnswer> SendAsync(Uri app, string? idempotencyKey, string body, string type = "application/json", string path = Path)
    {
        using var client = new HttpClient { BaseAddress = app };
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        if (idempotencyKey is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        }
        using var answer = await client.SendAsync(request, Cancel);
        return new HttpAnswer(
            answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel), answer.Headers.Contains("Idempotency-Replayed"), answer.Headers.RetryAfter is not null);
    }

    private async Task TryAsync(Uri app, string idempotencyKey, string body)
    {
        try
        {
            await SendAsync(app, idempotencyKey, body);
        }
        catch (HttpRequestException)
        {
            // The app was killed.
        }
    }

    private async Task<long> CountAsync(string table, string of)
    {
        await using var connection = await web.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>($"select count(*) from {table} where source = @of", new { of });
    }

    /// <summary>Until it is disposed every batch waits inside its transaction.</summary>
    private static async Task<NpgsqlConnection> BlockAsync(TestDatabase database)
    {
        var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync("begin; lock table outcome_received in access exclusive mode");
        return connection;
    }

    private static async Task WaitUntilBlockedAsync(TestDatabase database, int batches)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        while (await connection.ExecuteScalarAsync<long>("select count(*) from pg_locks where not granted and relation = 'outcome_received'::regclass") < batches)
        {
            await Task.Delay(20, Cancel);
        }
    }
}

internal sealed record HttpAnswer(HttpStatusCode Status, string Text, bool Replayed, bool RetryAfter)
{
    public string? Code => JsonNode.Parse(Text)?["code"]?.GetValue<string>();

    public void ShouldBeProblem(int status, string code)
    {
        ((int)Status, Code).ShouldBe((status, code), Text);
        JsonNode.Parse(Text)!["detail"]!.GetValue<string>().ShouldEndWith(".");
    }
}
