using System.Globalization;
using System.Text;
using Pimm.Core.Identifying;

namespace Pimm.Core.Notifying;

/// <summary>Secrets of webhooks, sealed: a secret opens for its own webhook only.</summary>
public sealed class WebhookSecrets(Sealer sealer)
{
    public const int Bytes = 32;

    public async Task<byte[]> SealAsync(long webhookId, byte[] secret, CancellationToken cancellationToken)
    {
        await sealer.ReadyAsync(cancellationToken);
        return sealer.Seal(secret, ContextOf(webhookId));
    }

    private async Task<byte[]> OpenAsync(long webhookId, byte[] box, CancellationToken cancellationToken)
    {
        await sealer.ReadyAsync(cancellationToken);
        return sealer.Open(box, ContextOf(webhookId));
    }

    /// <param name="former">null: there is one only</param>
    public async Task<IReadOnlyList<byte[]>> OpenAsync(long webhookId, byte[] box, byte[]? former, CancellationToken cancellationToken) => former is null
        ? [await OpenAsync(webhookId, box, cancellationToken)]
        : [await OpenAsync(webhookId, box, cancellationToken), await OpenAsync(webhookId, former, cancellationToken)];

    private static byte[] ContextOf(long webhookId) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"webhook {webhookId}"));
}
