namespace Pimm.Core.Notifying;

/// <summary>What can be told, with what it means.</summary>
public static class WebhookEvents
{
    public const string Dead = "webhook.dead";
    public const string Test = "webhook.test";

    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["run.failed"] = "a run failed for good",
        ["campaign.wave_published"] = "a campaign's wave of a day stands",
        ["list.exported"] = "an audience list was written",
        ["lift.report_ready"] = "a new version of a campaign's lift report stands",
        ["import.finished"] = "a file was imported",
        ["import.refused"] = "a file was refused as a whole",
        ["model.promoted"] = "a line has another champion, by training, night, hand or roll-back",
        ["notice.raised"] = "something came up that somebody should look at",
        [Dead] = "a notice to another webhook was given up",
    };

    /// <exception cref="InputException">none, or one that there is not</exception>
    public static string[] Validated(IEnumerable<string> names)
    {
        var wanted = names.Select(name => name.Trim()).Where(name => name.Length > 0).ToHashSet(StringComparer.Ordinal);
        if (wanted.FirstOrDefault(name => !All.ContainsKey(name)) is { } unknown)
            throw new InputException($"There is no event \"{unknown}\": choose of {string.Join(", ", All.Keys)}.");
        return wanted.Count > 0 ? [.. All.Keys.Where(wanted.Contains)] : throw new InputException($"A webhook without events is never told anything: choose of {string.Join(", ", All.Keys)}.");
    }
}

/// <summary>Somebody who is told.</summary>
/// <param name="DisabledReason">null: it is told</param>
/// <param name="Pending">notices that are still to be delivered</param>
/// <param name="Dead">that were given up</param>
/// <param name="FormerUntil">the secret before signs beside the new one until then; null: there is one only</param>
public sealed record Webhook(
    long Id, string Url, string[] Events, string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? DisabledAt, string? DisabledReason, long Pending, long Delivered, long Dead, DateTimeOffset? FormerUntil);

/// <summary>A webhook that was added, or given another secret, now; the secret is shown once.</summary>
/// <param name="Secret">whsec_ and 32 bytes in base64</param>
public sealed record AddedWebhook(Webhook Webhook, string Secret);

/// <summary>One notice on its way to one webhook.</summary>
/// <param name="State">"pending", "delivered" or "dead"</param>
/// <param name="NextAt">when it is tried next, while pending</param>
/// <param name="Status">of the last answer; null: there was none</param>
public sealed record WebhookDelivery(
    long Id, long WebhookId, string MessageId, string Event, string State, int Attempt, DateTimeOffset NextAt, int? Status, string? Error, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt);

/// <summary>A delivery that a worker has taken.</summary>
/// <param name="Secret">sealed</param>
/// <param name="FormerSecret">sealed; null: none signs beside it any more</param>
internal sealed record ClaimedDelivery(long Id, long WebhookId, string MessageId, string Event, string Body, int Attempt, string Url, byte[] Secret, byte[]? FormerSecret);

/// <summary>What came of a try.</summary>
/// <param name="Status">null: no answer</param>
/// <param name="Error">why it counts as failed; null: it is delivered</param>
public sealed record WebhookAnswer(int? Status, string? Error)
{
    /// <summary>410 Gone: the receiver wishes to hear nothing any more.</summary>
    public bool IsGone => Status == 410;
}
