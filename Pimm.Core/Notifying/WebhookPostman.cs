using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Database;
using Pimm.Core.Queueing;

namespace Pimm.Core.Notifying;

/// <summary>
/// Delivers what is due, in every worker. A try is claimed, made and noted in this order and in transactions of their own: a worker
/// that dies in between leaves a claim that runs out, and the notice is sent again under the same id.
/// </summary>
public sealed class WebhookPostman(
    NpgsqlDataSource database, WebhookSecrets secrets, WebhookSender sender, IOptions<NotifyingOptions> options, ILogger<WebhookPostman> logger) : BackgroundService
{
    private static readonly TimeSpan Housekeeping = TimeSpan.FromHours(1);

    private readonly WebhookStore webhooks = new(database);
    private readonly NotifyingOptions options = options.Value.Validated();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll([RepeatAsync(Housekeeping, RemoveOldAsync, stoppingToken), .. Enumerable.Range(0, options.AtOnce).Select(_ => RepeatAsync(options.Poll, DeliverDueAsync, stoppingToken))]);

    /// <summary>Everything that is due now, one after the other.</summary>
    public async Task DeliverDueAsync(CancellationToken cancellationToken)
    {
        while (await webhooks.ClaimAsync(options.Claim, cancellationToken) is { } delivery)
        {
            // Each try before this one ended a worker, or was never noted: it is not made once more for ever.
            var answer = options.IsBeyondLast(delivery.Attempt)
                ? new WebhookAnswer(null, "every try was cut off before its answer was noted") : await TryAsync(delivery, cancellationToken);
            FaultPoint.Reach("notify.posted");
            // Not to be interrupted: what was sent is noted.
            await NoteAsync(delivery, answer);
        }
    }

    private async Task<WebhookAnswer> TryAsync(ClaimedDelivery delivery, CancellationToken cancellationToken)
    {
        try
        {
            var signing = await secrets.OpenAsync(delivery.WebhookId, delivery.Secret, delivery.FormerSecret, cancellationToken);
            return await sender.SendAsync(delivery.Url, signing, delivery.MessageId, delivery.Body, cancellationToken);
        }
        catch (Exception e) when (e is CryptographicException or InputException)
        {
            return new WebhookAnswer(null, $"its secret cannot be opened: {e.Message}");
        }
        // Whatever else is wrong with this one must not hold up those behind it; without a database nothing could be noted anyway.
        catch (Exception e) when (e is not OperationCanceledException && PostgresErrors.Translate(e) is not DatabaseException)
        {
            logger.LogError(e, "Notice {Message} to webhook {Webhook} could not be sent", delivery.MessageId, delivery.WebhookId);
            return new WebhookAnswer(null, $"it could not be sent: {e.GetType().Name}");
        }
    }

    private async Task NoteAsync(ClaimedDelivery delivery, WebhookAnswer answer)
    {
        var pause = options.PauseAfter(delivery.Attempt);
        await using var connection = await database.OpenConnectionAsync(CancellationToken.None);
        await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
        if (!await WebhookStore.EndTryAsync(connection, delivery, answer, pause))
            return;
        if (answer.IsGone && await WebhookStore.DisableAsync(connection, delivery.WebhookId, "answered 410 Gone") == 1)
            await AuditLog.AddAsync(connection, new AuditEntry(
                AuditActor.Pimm, "webhook.disable", "webhook", delivery.WebhookId.ToString(CultureInfo.InvariantCulture), After: new { reason = "answered 410 Gone" }));
        // A notice that tells of a dead one is not told of itself.
        if (answer.Error is not null && pause is null && !answer.IsGone && delivery.Event != WebhookEvents.Dead)
            await WebhookStore.TellDeadAsync(connection, delivery);
        await transaction.CommitAsync(CancellationToken.None);
        if (answer.Error is not null)
            logger.LogWarning("Notice {Message} ({Event}) to webhook {Webhook}, try {Attempt}: {Reason}{Then}", delivery.MessageId, delivery.Event, delivery.WebhookId, delivery.Attempt,
                answer.Error, answer.IsGone ? ", kept until the webhook is enabled" : pause is { } wait ? $", again in {wait}" : ", given up");
    }

    private async Task RemoveOldAsync(CancellationToken cancellationToken) => await webhooks.RemoveOldAsync(options.KeepDays, cancellationToken);

    private async Task RepeatAsync(TimeSpan pause, Func<CancellationToken, Task> act, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(pause);
        do
        {
            try
            {
                await act(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                logger.LogWarning("Notices could not be delivered: {Reason}", PostgresErrors.Translate(e).Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
