using System.Diagnostics.Metrics;
using Dapper;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Safekeeping;

namespace Pimm.Core.Operating;

/// <summary>Gauges of what lies in the database: read now and then, not whenever somebody collects.</summary>
public sealed class QueueSampler : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly NpgsqlDataSource database;
    private readonly BackupStore backups;
    private readonly TimeProvider time;
    private readonly ILogger<QueueSampler> logger;
    private IReadOnlyList<RunGroup> groups = [];
    private double? backupAge;

    public QueueSampler(NpgsqlDataSource database, BackupStore backups, TimeProvider time, ILogger<QueueSampler> logger)
    {
        (this.database, this.backups, this.time, this.logger) = (database, backups, time, logger);
        PimmMeter.Meter.CreateObservableGauge("pimm.runs", () => groups.Select(group =>
            new Measurement<long>(group.Count, new("kind", group.Kind), new("state", group.State))), "{run}", "runs by kind and state, those of the last day among the finished");
        PimmMeter.Meter.CreateObservableGauge("pimm.queue.depth", () => groups.Where(group => group.State == "queued").Sum(group => group.Count), "{run}", "runs that wait");
        PimmMeter.Meter.CreateObservableGauge("pimm.queue.age", () => groups.Select(group => group.OldestSeconds).Append(0).Max(), "s", "how long the oldest run that could be taken has waited");
        PimmMeter.Meter.CreateObservableGauge("pimm.backup.age", () => backupAge is { } age ? [new Measurement<double>(age)] : Array.Empty<Measurement<double>>(), "s", "since the snapshot of the newest backup");
    }

    public async Task SampleAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        groups = [.. await connection.QueryAsync<RunGroup>(new CommandDefinition(SelectGroups, cancellationToken: cancellationToken))];
        backupAge = await backups.NewestAsync(cancellationToken) is { } newest ? (time.GetUtcNow() - newest.SnapshotAt).TotalSeconds : null;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await SampleAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                logger.LogWarning("The queue could not be measured: {Reason}", PostgresErrors.Translate(e).Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private sealed record RunGroup(string Kind, string State, long Count, double OldestSeconds);

    private const string SelectGroups =
        $"""
        select kind, state, count(*) as count, coalesce(extract(epoch from clock_timestamp() - min(due_since)), 0)::double precision as oldest_seconds
          from ({OpenRuns.Select}) open_run group by kind, state
        union all
        select kind, state, count(*), 0 from job_run where finished_at > clock_timestamp() - interval '1 day' group by kind, state
        """;
}
