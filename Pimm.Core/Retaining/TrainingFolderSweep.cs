using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Pimm.Core.Retaining;

/// <summary>Each worker clears up its own machine's trainings, at its start and once a day: the run that retains sees one machine only.</summary>
public sealed class TrainingFolderSweep(RetentionPlan plan, TimeProvider time, ILogger<TrainingFolderSweep> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromDays(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        using var timer = new PeriodicTimer(Interval, time);
        do
            await SweepAsync(stoppingToken);
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task SweepAsync(CancellationToken stoppingToken)
    {
        try
        {
            foreach (var folder in await plan.TrainingFoldersAsync(stoppingToken))
            {
                OldFiles.Remove(folder);
                logger.LogInformation("Removed {Folder}: its training has ended", folder);
            }
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            logger.LogWarning("Folders of ended trainings are left until tomorrow: {Reason}", Database.PostgresErrors.Translate(e).Message);
        }
    }
}
