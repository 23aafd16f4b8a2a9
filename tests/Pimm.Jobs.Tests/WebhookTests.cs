using System.Text.Json;
using Dapper;
using Pimm.Jobs.Tests.Faults;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

public sealed class WebhookTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pimm-webhooks-");
    private TestDatabase database = null!;
    private WebhookReceiver receiver = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly Dictionary<string, string> Settings = new()
    {
        ["Notifying__AllowHttp__0"] = "127.0.0.1", ["Notifying__AllowNetworks__0"] = "127.0.0.0/8", ["Notifying__Retries__0"] = "00:00:00.2",
        ["Notifying__Poll"] = "00:00:00.1", ["Notifying__Timeout"] = "00:00:02",
    };

    public async ValueTask InitializeAsync() => (database, receiver) = (await TestDatabase.MigratedAsync(), await WebhookReceiver.StartAsync());

    public async ValueTask DisposeAsync()
    {
        await receiver.DisposeAsync();
        await database.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_worker_tells_what_a_run_did()
    {
        var secret = await AddAsync("run.failed");
        await using var worker = PimmProcess.Start(database, Settings, "work");

        await FailRunAsync();
        await FaultWorld.UntilAsync(() => Task.FromResult(receiver.Received.Count > 0), "the receiver is told", TimeSpan.FromSeconds(60));

        receiver.Received[0].IsSignedWith(secret).ShouldBeTrue();
        await FaultWorld.UntilAsync(async () => (await StatesAsync()) is ["delivered"], "the delivery is noted", TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_worker_killed_between_sending_and_noting_leaves_the_notice_to_another_under_the_same_id()
    {
        var secret = await AddAsync("run.failed");
        await FailRunAsync();
        var settings = new Dictionary<string, string>(Settings) { ["PIMM_FAULT"] = $"notify.posted:kill:{Path.Combine(folder.FullName, "happened")}" };
        await using (var killed = PimmProcess.Start("Pimm.FaultyWorker", database, settings, [], "work"))
            (await killed.ExitedAsync()).ShouldBe(137);
        (await StatesAsync()).ShouldBe(["pending"]);
        receiver.Received.Count.ShouldBe(1);
        // The claim would run out by itself, half a minute later.
        await using (var connection = await database.Owner.OpenConnectionAsync(Cancel))
            (await connection.ExecuteAsync("update webhook_delivery set claimed_until = clock_timestamp() where claimed_until > clock_timestamp()")).ShouldBe(1);

        await using var other = PimmProcess.Start(database, Settings, "work");
        await FaultWorld.UntilAsync(async () => (await StatesAsync()) is ["delivered"], "the notice is delivered", TimeSpan.FromSeconds(60));

        receiver.Received.Count.ShouldBe(2);
        receiver.Received.Select(told => told.Id).Distinct().ShouldHaveSingleItem();
        receiver.Received.ShouldAllBe(told => told.IsSignedWith(secret));
    }

    [Fact]
    public async Task Webhooks_are_added_tried_listed_and_removed()
    {
        var secret = await AddAsync("run.failed,model.promoted");
        var refused = await PimmProcess.RunAsync(database, "webhooks", "add", "https://169.254.169.254/latest", "--events", "run.failed");
        var tried = await PimmProcess.RunAsync(database, Settings, "webhooks", "test", "1");
        receiver.Status = 500;
        var failed = await PimmProcess.RunAsync(database, Settings, "webhooks", "test", "1");
        await FailRunAsync();
        var deliveries = await PimmProcess.RunAsync(database, "webhooks", "deliveries", "1");
        var listed = await PimmProcess.RunAsync(database, "webhooks", "list");
        var rotated = await PimmProcess.RunAsync(database, "webhooks", "rotate", "1", "--json");
        var removed = await PimmProcess.RunAsync(database, "webhooks", "remove", "1");
        var again = await PimmProcess.RunAsync(database, "webhooks", "remove", "1");

        secret.ShouldStartWith("whsec_");
        (refused.ExitCode, refused.Error).ShouldBe((2, "The webhook's address 169.254.169.254 is none of the public Internet: use another one, or add its network to the setting Notifying:AllowNetworks.\n"));
        tried.ShouldBe((0, "Webhook 1 answered 204.\n", ""));
        failed.ShouldBe((1, "", "Webhook 1: answered 500.\n"));
        JsonDocument.Parse(receiver.Received[0].Body).RootElement.GetProperty("type").GetString().ShouldBe("webhook.test");
        receiver.Received.ShouldAllBe(told => told.IsSignedWith(secret));
        deliveries.Output.ShouldContain("run.failed               to 1  pending   try 0");
        listed.Output.ShouldBe($"   1  {receiver.Address}hook  run.failed,model.promoted  1 pending, 0 delivered, 0 dead\n");
        listed.Output.ShouldNotContain(secret);
        rotated.ExitCode.ShouldBe(0, rotated.Error);
        var shown = JsonDocument.Parse(rotated.Output).RootElement.GetProperty("secret").GetString()!;
        shown.ShouldMatch("^whsec_[A-Za-z0-9+/]{43}=$");
        shown.ShouldNotBe(secret);
        removed.Output.ShouldBe("Webhook 1 is gone, and 1 pending deliveries.\n");
        (again.ExitCode, again.Error).ShouldBe((2, "There is no webhook 1: see pimm webhooks list.\n"));
    }

    private async Task<string> AddAsync(string events)
    {
        var added = await PimmProcess.RunAsync(database, Settings, "webhooks", "add", $"{receiver.Address}hook", "--events", events, "--json");
        added.ExitCode.ShouldBe(0, added.Error);
        return JsonDocument.Parse(added.Output).RootElement.GetProperty("secret").GetString()!;
    }

    private async Task FailRunAsync()
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync("insert into job_run (kind, dedupe_key, arguments, state, finished_at) values ('wait', gen_random_uuid()::text, '{}', 'failed', now())");
    }

    private async Task<List<string>> StatesAsync()
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        return [.. await connection.QueryAsync<string>("select state from webhook_delivery order by id")];
    }
}
