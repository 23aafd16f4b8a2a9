using Pimm.Core.Database;

namespace Pimm.Core.Operating;

/// <summary>Everything that whoever runs Pimm should know, each line ok or what to do.</summary>
public sealed class InstallationHealth(ServerHealth server, QueueHealth queue, FolderHealth folders, BackupHealth backup, RecordsHealth records)
{
    public async Task<IReadOnlyList<HealthFinding>> LookAsync(CancellationToken cancellationToken) =>
    [
        .. await TryAsync("database", server.LookAsync, cancellationToken),
        .. await TryAsync("queue", queue.LookAsync, cancellationToken),
        .. await TryAsync("backup", async token => [await backup.LookAsync(token)], cancellationToken),
        .. await TryAsync("audit", async token => [await records.AuditAsync(token)], cancellationToken),
        .. await TryAsync("webhooks", async token => [await records.WebhooksAsync(token)], cancellationToken),
        .. folders.Look(),
    ];

    private static async Task<IReadOnlyList<HealthFinding>> TryAsync(
        string name, Func<CancellationToken, Task<IReadOnlyList<HealthFinding>>> look, CancellationToken cancellationToken)
    {
        try
        {
            return await look(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return [HealthFinding.Failing(name, PostgresErrors.Translate(e).Message)];
        }
    }
}
