using Dapper;
using Npgsql;

namespace Pimm.Core.Notifying;

/// <summary>Webhooks, and what is on its way to them.</summary>
public sealed class WebhookStore(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<Webhook>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Webhook>(new CommandDefinition($"{SelectWebhooks} order by w.id", new { id = (long?)null }, cancellationToken: cancellationToken))];
    }

    public async Task<Webhook?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Webhook>(new CommandDefinition($"{SelectWebhooks} where w.id = @id", new { id }, cancellationToken: cancellationToken));
    }

    /// <summary>The newest first.</summary>
    /// <param name="webhookId">null: to all of them</param>
    public async Task<IReadOnlyList<WebhookDelivery>> DeliveriesAsync(long? webhookId, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<WebhookDelivery>(new CommandDefinition(SelectDeliveries, new { webhookId, limit }, cancellationToken: cancellationToken))];
    }

    internal static async Task<Webhook> GetAsync(NpgsqlConnection connection, long id) =>
        await connection.QuerySingleOrDefaultAsync<Webhook>($"{SelectWebhooks} where w.id = @id", new { id })
        ?? throw new InputException($"There is no webhook {id}: see pimm webhooks list.");

    /// <summary>Takes the delivery that is due longest, of a webhook that nobody else is telling something now; null: none.</summary>
    internal async Task<ClaimedDelivery?> ClaimAsync(TimeSpan claim, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ClaimedDelivery>(new CommandDefinition(Claim, new { claim }, cancellationToken: cancellationToken));
    }

    /// <summary>What met a webhook that is gone waits, as if it had not been tried, until somebody enables the webhook.</summary>
    /// <param name="pause">until the next try; null: there is none</param>
    /// <returns>false: the claim had run out and the delivery is somebody else's</returns>
    internal static async Task<bool> EndTryAsync(NpgsqlConnection connection, ClaimedDelivery delivery, WebhookAnswer answer, TimeSpan? pause) =>
        await connection.ExecuteAsync(EndTry, new
        {
            delivery.Id, delivery.Attempt, answer.Status, answer.Error, answer.IsGone, pause = answer.IsGone ? TimeSpan.Zero : pause,
            State = answer.Error is null ? "delivered" : pause is null && !answer.IsGone ? "dead" : "pending",
        }) == 1;

    internal static Task<int> DisableAsync(NpgsqlConnection connection, long id, string reason) => connection.ExecuteAsync(Disable, new { id, reason });

    internal static Task TellDeadAsync(NpgsqlConnection connection, ClaimedDelivery delivery) => connection.ExecuteAsync(
        "select add_notice(@Dead, json_build_object('webhookId', @WebhookId, 'messageId', @MessageId, 'event', @Event))",
        new { WebhookEvents.Dead, delivery.WebhookId, delivery.MessageId, delivery.Event });

    /// <summary>Of old notices, those that are on their way to nobody any more; and secrets that sign no more.</summary>
    /// <returns>how many notices</returns>
    internal async Task<int> RemoveOldAsync(int keepDays, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(ForgetFormer, cancellationToken: cancellationToken));
        return await connection.ExecuteAsync(new CommandDefinition(DeleteOld, new { keepDays }, cancellationToken: cancellationToken));
    }

    private const string SelectWebhooks = """
        select w.id, w.url, w.events, w.created_by, w.created_at, w.disabled_at, w.disabled_reason,
               (select count(*) from webhook_delivery d where d.webhook_id = w.id and d.state = 'pending') as pending,
               (select count(*) from webhook_delivery d where d.webhook_id = w.id and d.state = 'delivered') as delivered,
               (select count(*) from webhook_delivery d where d.webhook_id = w.id and d.state = 'dead') as dead,
               case when w.former_until > clock_timestamp() then w.former_until end as former_until
          from webhook w
        """;

    private const string SelectDeliveries = """
        select d.id, d.webhook_id, n.message_id, n.event, d.state, d.attempt, d.next_at, d.status, d.error, n.created_at, d.finished_at
          from webhook_delivery d join notice n on n.id = d.notice_id
         where @webhookId::bigint is null or d.webhook_id = @webhookId
         order by d.id desc limit @limit
        """;

    // One at a time to each webhook: the slow ones hold up nobody else, and the order is mostly that of what happened. The row's own
    // claim is looked at as well: of a row that somebody else claimed meanwhile, only its own columns are read anew.
    private const string Claim = """
        update webhook_delivery t
           set attempt = t.attempt + 1, claimed_until = clock_timestamp() + @claim::interval
          from (select d.id, w.url, w.secret, case when w.former_until > clock_timestamp() then w.former_secret end as former_secret, n.message_id, n.event, n.body
                  from webhook_delivery d join webhook w on w.id = d.webhook_id join notice n on n.id = d.notice_id
                 where d.state = 'pending' and d.next_at <= clock_timestamp() and (d.claimed_until is null or d.claimed_until <= clock_timestamp()) and w.disabled_at is null
                   and not exists (select from webhook_delivery o where o.webhook_id = d.webhook_id and o.state = 'pending' and o.claimed_until > clock_timestamp())
                 order by d.next_at, d.id limit 1 for update of d skip locked) due
         where t.id = due.id
        returning t.id, t.webhook_id, due.message_id, due.event, due.body, t.attempt, due.url, due.secret, due.former_secret
        """;

    private const string EndTry = """
        update webhook_delivery
           set state = @State, status = @Status, error = @Error, claimed_until = null, attempt = case when @IsGone then 0 else attempt end,
               next_at = case when @State = 'pending' then clock_timestamp() + @pause::interval else next_at end,
               finished_at = case when @State <> 'pending' then clock_timestamp() end
         where id = @Id and attempt = @Attempt and state = 'pending' and claimed_until is not null
        """;

    private const string Disable = "update webhook set disabled_at = clock_timestamp(), disabled_reason = @reason where id = @id and disabled_at is null";

    private const string ForgetFormer = "update webhook set former_secret = null, former_until = null where former_until <= clock_timestamp()";

    private const string DeleteOld = """
        delete from notice n
         where n.created_at < clock_timestamp() - make_interval(days => @keepDays)
           and not exists (select from webhook_delivery d where d.notice_id = n.id
                              and (d.state = 'pending' or d.finished_at > clock_timestamp() - make_interval(days => @keepDays)))
        """;
}
