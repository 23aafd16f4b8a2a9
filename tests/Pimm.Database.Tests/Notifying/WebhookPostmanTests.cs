using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Notifying;
using Pimm.Core.Operating;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Notifying;

public sealed class WebhookPostmanTests : IAsyncLifetime
{
    private TestDatabase database = null!;
    private WebhookReceiver receiver = null!;
    private ServiceProvider pimm = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        (database, receiver) = (await TestDatabase.MigratedAsync(), await WebhookReceiver.StartAsync());
        pimm = Services(("Notifying:AllowHttp:0", "127.0.0.1"), ("Notifying:AllowNetworks:0", "127.0.0.0/8"), ("Notifying:Retries:0", "00:00:00.05"), ("Notifying:Retries:1", "00:00:00.05"), ("Notifying:Timeout", "00:00:01"));
    }

    public async ValueTask DisposeAsync()
    {
        await pimm.DisposeAsync();
        await receiver.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task What_happened_is_told_once_signed_and_without_more_than_ids_and_counts()
    {
        var added = await AddAsync("run.failed,import.refused");
        var run = await FailRunAsync("anna@example.com.csv is no good");

        await DeliverAsync();
        await DeliverAsync();

        var told = receiver.Received.ShouldHaveSingleItem();
        told.IsSignedWith(added.Secret).ShouldBeTrue();
        told.IsSignedWith("whsec_" + Convert.ToBase64String(new byte[32])).ShouldBeFalse();
        (told.Path, told.ContentType, told.Id[..4]).ShouldBe(("/hook", "application/json", "msg_"));
        Math.Abs(long.Parse(told.Timestamp, null) - DateTimeOffset.UtcNow.ToUnixTimeSeconds()).ShouldBeLessThan(60);
        var body = JsonDocument.Parse(told.Body).RootElement;
        body.EnumerateObject().Select(field => field.Name).ShouldBe(["type", "timestamp", "data"]);
        body.GetProperty("type").GetString().ShouldBe("run.failed");
        body.GetProperty("data").GetRawText().Replace(" ", "").ShouldBe($$"""{"runId":{{run}},"kind":"wait","campaignId":null,"attempt":0}""");
        (await DeliveriesAsync()).Select(delivery => (delivery.State, delivery.Attempt, delivery.Status)).ShouldBe([("delivered", 1, 204)]);
    }

    [Fact]
    public async Task Nothing_is_told_of_what_was_taken_back()
    {
        await AddAsync("run.failed");
        await using (var connection = await database.DataSource.OpenConnectionAsync(Cancel))
        await using (await connection.BeginTransactionAsync(Cancel))
            await connection.ExecuteAsync("insert into job_run (kind, dedupe_key, arguments, state, finished_at) values ('wait', 'x', '{}', 'failed', now())");

        await DeliverAsync();

        receiver.Received.ShouldBeEmpty();
        (await DeliveriesAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Whoever_does_not_want_an_event_is_not_told()
    {
        await AddAsync("model.promoted");
        await FailRunAsync();

        await DeliverAsync();

        receiver.Received.ShouldBeEmpty();
        (await database.DataSource.OpenConnection().ExecuteScalarAsync<int>("select count(*) from notice")).ShouldBe(0);
    }

    [Fact]
    public async Task A_failed_delivery_is_tried_again_under_the_same_id_with_the_same_body()
    {
        var added = await AddAsync("run.failed");
        await FailRunAsync();
        receiver.Status = 500;

        await DeliverAsync();
        await Task.Delay(100, Cancel);
        await DeliverAsync();
        receiver.Status = 200;
        await Task.Delay(100, Cancel);
        await DeliverAsync();

        receiver.Received.Count.ShouldBe(3);
        receiver.Received.Select(told => (told.Id, told.Body)).Distinct().ShouldHaveSingleItem();
        receiver.Received.ShouldAllBe(told => told.IsSignedWith(added.Secret));
        (await DeliveriesAsync()).Select(delivery => (delivery.State, delivery.Attempt, delivery.Status, delivery.Error)).ShouldBe([("delivered", 3, 200, (string?)null)]);
    }

    [Fact]
    public async Task After_the_last_try_it_is_given_up_and_the_others_are_told_of_that()
    {
        var dead = await AddAsync("run.failed", "/dead");
        await FailRunAsync();
        await AddAsync("webhook.dead,run.failed", "/watcher");
        receiver.Status = 503;
        for (var i = 0; i < 3; i++)
        {
            await DeliverAsync();
            await Task.Delay(100, Cancel);
        }
        receiver.Status = 204;

        await DeliverAsync();

        var deliveries = await DeliveriesAsync();
        deliveries.Single(delivery => delivery.WebhookId == dead.Webhook.Id).ShouldSatisfyAllConditions(
            gone => gone.State.ShouldBe("dead"), gone => gone.Attempt.ShouldBe(3), gone => gone.Error.ShouldBe("answered 503"));
        var told = receiver.Received.Where(one => one.Path == "/watcher").DistinctBy(one => one.Id).ShouldHaveSingleItem();
        JsonDocument.Parse(told.Body).RootElement.GetProperty("data").GetProperty("webhookId").GetInt64().ShouldBe(dead.Webhook.Id);
    }

    [Fact]
    public async Task An_answer_of_410_disables_the_webhook_until_somebody_enables_it()
    {
        var added = await AddAsync("run.failed");
        await FailRunAsync();
        await FailRunAsync();
        receiver.Status = 410;

        await DeliverAsync();
        await DeliverAsync();

        receiver.Received.ShouldHaveSingleItem();
        var webhook = (await pimm.GetRequiredService<WebhookStore>().FindAsync(added.Webhook.Id, Cancel))!;
        (webhook.DisabledReason, webhook.Pending, webhook.Dead).ShouldBe(("answered 410 Gone", 2, 0));
        (await database.DataSource.OpenConnection().ExecuteScalarAsync<int>("select count(*) from notice where event = 'webhook.dead'")).ShouldBe(0);
        receiver.Status = 204;
        await pimm.GetRequiredService<WebhookAdministration>().EnableAsync(added.Webhook.Id, "user:anna", Cancel);
        await DeliverAsync();
        (await DeliveriesAsync()).Select(delivery => delivery.State).ShouldBe(["delivered", "delivered"]);
        (await pimm.GetRequiredService<AuditLog>().ListAsync(new AuditFilter(Action: "webhook"), 10, Cancel)).Select(row => (row.Actor, row.Action))
            .ShouldBe([("user:anna", "webhook.enable"), ("pimm", "webhook.disable"), ("user:anna", "webhook.add")]);
    }

    [Fact]
    public async Task What_nobody_expected_of_a_notice_is_a_failed_try_and_holds_up_no_other()
    {
        await AddAsync("run.failed");
        await FailRunAsync();
        await using var broken = Services(("Notifying:AllowHttp:0", "127.0.0.1"), ("Notifying:AllowNetworks:0", "127.0.0.0/8"), ("Notifying:Retries:0", "00:00:00.05"));
        broken.GetRequiredService<WebhookSender>().Dispose();

        await DeliverAsync(broken);

        (await DeliveriesAsync()).Single().ShouldSatisfyAllConditions(failed => failed.State.ShouldBe("pending"), failed => failed.Error.ShouldBe("it could not be sent: ObjectDisposedException"));
        await Task.Delay(100, Cancel);
        await DeliverAsync();
        (await DeliveriesAsync()).Single().State.ShouldBe("delivered");
    }

    [Fact]
    public async Task A_notice_whose_every_try_ended_the_worker_is_given_up_and_not_sent_again()
    {
        await AddAsync("run.failed");
        await FailRunAsync();
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync("update webhook_delivery set attempt = 3, claimed_until = clock_timestamp() - interval '1 second'");
        await FailRunAsync();

        await DeliverAsync();

        (await DeliveriesAsync()).Select(delivery => (delivery.State, delivery.Attempt)).ShouldBe([("delivered", 1), ("dead", 4)]);
        receiver.Received.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_redirect_is_a_failure_and_is_not_followed()
    {
        await AddAsync("run.failed");
        await FailRunAsync();
        (receiver.Status, receiver.Location) = (307, "/elsewhere");

        await DeliverAsync();

        receiver.Received.ShouldHaveSingleItem().Path.ShouldBe("/hook");
        (await DeliveriesAsync()).Single().Error.ShouldBe("answered 307");
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_in_time_is_tried_again()
    {
        await AddAsync("run.failed");
        await FailRunAsync();
        receiver.Delay = TimeSpan.FromSeconds(10);

        await DeliverAsync();

        (await DeliveriesAsync()).Single().ShouldSatisfyAllConditions(late => late.State.ShouldBe("pending"), late => late.Error.ShouldBe("no answer within 1 s"));
    }

    [Fact]
    public async Task Two_workers_deliver_each_notice_once()
    {
        await Task.WhenAll(AddAsync("run.failed", "/a"), AddAsync("run.failed", "/b"), AddAsync("run.failed", "/c"));
        for (var i = 0; i < 10; i++)
            await FailRunAsync();

        await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            while ((await DeliveriesAsync()).Any(delivery => delivery.State == "pending"))
                await DeliverAsync();
        }));

        receiver.Received.Count.ShouldBe(30);
        receiver.Received.Select(told => (told.Path, told.Id)).ShouldBeUnique();
    }

    [Fact]
    public async Task A_name_that_leads_into_this_house_is_not_connected_to()
    {
        await using var strict = Services(("Notifying:AllowHttp:0", "localhost"));
        await strict.GetRequiredService<WebhookAdministration>().AddAsync($"http://localhost:{receiver.Address.Port}/", ["run.failed"], "user:anna", Cancel);
        await FailRunAsync();

        await DeliverAsync(strict);

        receiver.Received.ShouldBeEmpty();
        (await DeliveriesAsync()).Single().Error.ShouldBe("localhost has no address in the public Internet or in Notifying:AllowNetworks.");
    }

    [Fact]
    public async Task The_secret_is_stored_sealed_and_opens_for_its_own_webhook_only()
    {
        var (one, other) = (await AddAsync("run.failed"), await AddAsync("run.failed", "/other"));
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        var rows = (await connection.QueryAsync<string>("select w::text from webhook w union all select a::text from audit_event a")).ToList();

        var base64 = one.Secret["whsec_".Length..];
        var hex = Convert.ToHexStringLower(Convert.FromBase64String(base64));
        rows.Count.ShouldBe(4);
        rows.ShouldAllBe(row => !row.Contains(base64) && !row.Contains(hex));
        await connection.ExecuteAsync("update webhook set secret = (select secret from webhook where id = @from) where id = @to", new { from = one.Webhook.Id, to = other.Webhook.Id });
        await FailRunAsync();
        await DeliverAsync();
        receiver.Received.Select(told => told.Path).ShouldBe(["/hook"]);
        (await DeliveriesAsync()).Single(delivery => delivery.WebhookId == other.Webhook.Id).Error.ShouldNotBeNull().ShouldStartWith("its secret cannot be opened");
    }

    [Fact]
    public async Task For_a_day_after_a_rotation_both_secrets_sign_and_then_the_new_one_alone()
    {
        var (added, administration) = (await AddAsync("run.failed"), pimm.GetRequiredService<WebhookAdministration>());
        await FailRunAsync();
        var rotated = await administration.RotateAsync(added.Webhook.Id, "cli:ada", Cancel);
        await DeliverAsync();
        (await administration.TestAsync(added.Webhook.Id, Cancel)).Error.ShouldBeNull();

        rotated.Secret.ShouldNotBe(added.Secret);
        (rotated.Webhook.FormerUntil - DateTimeOffset.UtcNow).ShouldNotBeNull().TotalHours.ShouldBeInRange(23.9, 24.1);
        receiver.Received.Count.ShouldBe(2);
        receiver.Received.ShouldAllBe(told => told.Signature.Split(' ').Length == 2 && told.IsSignedWith(added.Secret) && told.IsSignedWith(rotated.Secret));

        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync("update webhook set former_until = clock_timestamp()");
        await FailRunAsync();
        await DeliverAsync();
        receiver.Received.Count.ShouldBe(3);
        (receiver.Received[2].IsSignedWith(rotated.Secret), receiver.Received[2].IsSignedWith(added.Secret), receiver.Received[2].Signature.Contains(' ')).ShouldBe((true, false, false));
        using var postman = ActivatorUtilities.CreateInstance<WebhookPostman>(pimm);
        await postman.StartAsync(Cancel);
        for (var i = 0; i < 100 && await connection.ExecuteScalarAsync<bool>("select former_secret is not null from webhook"); i++)
            await Task.Delay(50, Cancel);
        await postman.StopAsync(Cancel);
        (await connection.ExecuteScalarAsync<bool>("select former_secret is null and former_until is null from webhook")).ShouldBeTrue();
        (await connection.QuerySingleAsync<(string, string)>("select actor, object_id from audit_event where action = 'webhook.rotate'")).ShouldBe(("cli:ada", $"{added.Webhook.Id}"));
    }

    [Fact]
    public async Task Doctor_tells_of_notices_that_were_given_up_lately()
    {
        var health = new RecordsHealth(database.DataSource, pimm.GetRequiredService<AuditVerifier>(), TimeProvider.System);
        (await health.WebhooksAsync(Cancel)).Note.ShouldBe("none");
        await AddAsync("run.failed");
        receiver.Status = 500;
        await FailRunAsync();
        for (var attempt = 0; attempt < 3; attempt++, await Task.Delay(100, Cancel))
            await DeliverAsync();

        (await health.WebhooksAsync(Cancel)).ShouldSatisfyAllConditions(
            finding => finding.Level.ShouldBe(HealthLevel.Warning), finding => finding.Note.ShouldStartWith("1 notices to 1 webhooks were given up within 7 days"));
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync("update webhook_delivery set finished_at = finished_at - interval '8 days'; update webhook set disabled_at = now(), disabled_reason = 'restored'");
        (await health.WebhooksAsync(Cancel)).ShouldBe(HealthFinding.Ok("webhooks", "1, 1 of them disabled; none was given up within 7 days"));
    }

    // The triggers name columns in their arguments, which PostgreSQL does not check: one that a later migration renames would be told as null.
    [Fact]
    public async Task Every_event_tells_columns_that_its_table_has()
    {
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        var triggers = (await connection.QueryAsync<(string Table, string Arguments)>(
            "select tgrelid::regclass::text, encode(tgargs, 'escape') from pg_trigger where tgfoid = 'tell_webhooks'::regproc")).ToList();

        triggers.Select(trigger => trigger.Arguments.Split("\\000")[0]).Append(WebhookEvents.Dead).Append("notice.raised").Distinct().Order(StringComparer.Ordinal)
            .ShouldBe(WebhookEvents.All.Keys.Order(StringComparer.Ordinal));
        foreach (var (table, arguments) in triggers)
        {
            var columns = (await connection.QueryAsync<string>("select attname from pg_attribute where attrelid = @table::regclass and attnum > 0 and not attisdropped", new { table })).ToHashSet();
            arguments.Split("\\000", StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(pair => pair.Split('=')[1]).ShouldBeSubsetOf(columns, $"{table}: {arguments}");
        }
    }

    [Fact]
    public async Task Old_notices_go_when_nobody_waits_for_them()
    {
        await AddAsync("run.failed");
        await FailRunAsync();
        await DeliverAsync();
        receiver.Status = 500;
        await FailRunAsync();
        await DeliverAsync();
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync("update notice set created_at = created_at - interval '100 days'; update webhook_delivery set finished_at = finished_at - interval '91 days'");

        using var postman = ActivatorUtilities.CreateInstance<WebhookPostman>(pimm);
        await postman.StartAsync(Cancel);
        for (var i = 0; i < 100 && await connection.ExecuteScalarAsync<int>("select count(*) from notice") > 1; i++)
            await Task.Delay(50, Cancel);
        await postman.StopAsync(Cancel);

        (await DeliveriesAsync()).ShouldHaveSingleItem().State.ShouldNotBe("delivered");
    }

    private Task<AddedWebhook> AddAsync(string events, string path = "/hook") =>
        pimm.GetRequiredService<WebhookAdministration>().AddAsync(new Uri(receiver.Address, path).ToString(), events.Split(','), "user:anna", Cancel);

    private Task<IReadOnlyList<WebhookDelivery>> DeliveriesAsync() => pimm.GetRequiredService<WebhookStore>().DeliveriesAsync(null, 100, Cancel);

    private async Task DeliverAsync(IServiceProvider? services = null)
    {
        using var postman = ActivatorUtilities.CreateInstance<WebhookPostman>(services ?? pimm);
        await postman.DeliverDueAsync(Cancel);
    }

    private async Task<long> FailRunAsync(string error = "it failed")
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        var id = await connection.ExecuteScalarAsync<long>("insert into job_run (kind, dedupe_key, arguments) values ('wait', gen_random_uuid()::text, '{}') returning id");
        await connection.ExecuteAsync("update job_run set state = 'failed', finished_at = now(), error = @error where id = @id", new { id, error });
        return id;
    }

    private ServiceProvider Services(params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            [.. settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Key, setting.Value)), new("Database:ConnectionString", database.ConnectionString)]).Build();
        return new ServiceCollection().AddLogging(logging => logging.ClearProviders()).AddPimmCore(configuration).BuildServiceProvider();
    }
}
