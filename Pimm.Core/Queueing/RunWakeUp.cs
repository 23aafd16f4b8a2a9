using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Queueing;

/// <summary>Wakes idle slots when the table of runs changes; polling remains the fallback for notifications that are lost.</summary>
internal sealed class RunWakeUp(NpgsqlDataSource leases, QueueingOptions options, TimeProvider clock, ILogger logger) : IDisposable
{
    private readonly SemaphoreSlim news = new(0, options.Slots);

    /// <summary>Returns at a notification, or after the polling interval.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => news.WaitAsync(options.Poll, cancellationToken);

    public async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await leases.OpenConnectionAsync(cancellationToken);
                connection.Notification += (_, _) => Wake();
                await connection.ExecuteAsync("listen pimm_job");
                while (true)
                    await connection.WaitAsync(cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                logger.LogWarning("Notifications of new runs stopped, polling each {Poll}: {Reason}", options.Poll, PostgresErrors.Translate(e).Message);
                await Task.Delay(options.Poll, clock, cancellationToken);
            }
        }
    }

    private void Wake()
    {
        try
        {
            news.Release(options.Slots - news.CurrentCount);
        }
        catch (Exception e) when (e is SemaphoreFullException or ArgumentOutOfRangeException)
        {
            // Every slot has been woken already.
        }
    }

    public void Dispose() => news.Dispose();
}
