using System.Globalization;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Access;
using Pimm.Core.Auditing;

namespace Pimm.Core.Notifying;

/// <summary>Adds, removes, enables and tries webhooks, and gives them other secrets; the command line and the HTTP API call the same door.</summary>
public sealed class WebhookAdministration(NpgsqlDataSource database, WebhookSecrets secrets, WebhookSender sender, IOptions<NotifyingOptions> options, TimeProvider time)
{
    public const int Most = 50;

    /// <summary>For so long the secret before signs beside the new one.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromHours(24);

    /// <param name="by">see <see cref="AuditActor"/></param>
    /// <exception cref="InputException">an address that may not be told, no or unknown events, or too many webhooks</exception>
    public async Task<AddedWebhook> AddAsync(string url, IEnumerable<string> events, string by, CancellationToken cancellationToken = default)
    {
        var (address, wanted) = (WebhookAddress.Parse(url, options.Value.Validated()).AbsoluteUri, WebhookEvents.Validated(events));
        var secret = RandomSecret.Bytes(WebhookSecrets.Bytes);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await connection.ExecuteScalarAsync<long>("select count(*) from webhook") >= Most)
            throw new InputException($"There are {Most} webhooks already, which is the bound: remove one first.");
        var id = await connection.ExecuteScalarAsync<long>("select nextval(pg_get_serial_sequence('webhook', 'id'))");
        await connection.ExecuteAsync(Insert, new { id, address, wanted, box = await secrets.SealAsync(id, secret, cancellationToken), by });
        await AuditLog.AddAsync(connection, EntryOf(by, "webhook.add", id, after: new { Url = address, Events = wanted }));
        await transaction.CommitAsync(cancellationToken);
        return new AddedWebhook(await WebhookStore.GetAsync(connection, id), WebhookSignature.SecretText(secret));
    }

    /// <summary>Takes a webhook away with what was still on its way to it.</summary>
    /// <exception cref="InputException">there is none</exception>
    public async Task<Webhook> RemoveAsync(long id, string by, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var webhook = await WebhookStore.GetAsync(connection, id);
        await connection.ExecuteAsync("delete from webhook where id = @id", new { id });
        await AuditLog.AddAsync(connection, EntryOf(by, "webhook.remove", id, before: new { webhook.Url, webhook.Events, webhook.Pending }));
        await transaction.CommitAsync(cancellationToken);
        return webhook;
    }

    /// <summary>Tells a disabled webhook again, what waited for it first.</summary>
    /// <exception cref="InputException">there is none</exception>
    public async Task<Webhook> EnableAsync(long id, string by, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var webhook = await WebhookStore.GetAsync(connection, id);
        if (await connection.ExecuteAsync("update webhook set disabled_at = null, disabled_reason = null where id = @id and disabled_at is not null", new { id }) == 1)
            await AuditLog.AddAsync(connection, EntryOf(by, "webhook.enable", id, before: new { webhook.DisabledAt, webhook.DisabledReason }));
        await transaction.CommitAsync(cancellationToken);
        return await WebhookStore.GetAsync(connection, id);
    }

    /// <summary>Another secret; what is on its way is signed with both for a day. A secret from before the one before signs no more.</summary>
    /// <exception cref="InputException">there is none</exception>
    public async Task<AddedWebhook> RotateAsync(long id, string by, CancellationToken cancellationToken = default)
    {
        var secret = RandomSecret.Bytes(WebhookSecrets.Bytes);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(Rotate, new { id, box = await secrets.SealAsync(id, secret, cancellationToken), overlap = Overlap });
        var webhook = await WebhookStore.GetAsync(connection, id);
        await AuditLog.AddAsync(connection, EntryOf(by, "webhook.rotate", id, after: new { webhook.FormerUntil }));
        await transaction.CommitAsync(cancellationToken);
        return new AddedWebhook(webhook, WebhookSignature.SecretText(secret));
    }

    /// <summary>Sends a notice of the event "webhook.test" now, once, and answers what came back.</summary>
    /// <exception cref="InputException">there is none</exception>
    public async Task<WebhookAnswer> TestAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var webhook = await WebhookStore.GetAsync(connection, id);
        var (box, former, message) = await connection.QuerySingleAsync<(byte[], byte[]?, string)>(SelectSecrets, new { id });
        var body = JsonSerializer.Serialize(new { type = WebhookEvents.Test, timestamp = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), data = new { webhookId = id } });
        return await sender.SendAsync(webhook.Url, await secrets.OpenAsync(id, box, former, cancellationToken), message, body, cancellationToken);
    }

    private static AuditEntry EntryOf(string by, string action, long id, object? before = null, object? after = null) =>
        new(by, action, "webhook", id.ToString(CultureInfo.InvariantCulture), before, after);

    private const string Rotate = """
        update webhook set former_secret = secret, former_until = clock_timestamp() + @overlap::interval, secret = @box where id = @id
        """;

    private const string SelectSecrets = """
        select secret, case when former_until > clock_timestamp() then former_secret end as former, 'msg_' || replace(gen_random_uuid()::text, '-', '') as message
          from webhook where id = @id
        """;

    private const string Insert = """
        insert into webhook (id, url, events, secret, created_by) overriding system value values (@id, @address, @wanted, @box, @by)
        """;
}
