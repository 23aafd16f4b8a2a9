using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pimm.Core.Database;
using Pimm.Core.Notifying;
using Pimm.Core.Queueing;

namespace Pimm.Core.Operating;

/// <summary>
/// Looks every few seconds for what somebody should know. Workers and the web process do it, one at a time: a notice that no worker
/// is left must come from somebody else.
/// </summary>
public sealed class NoticeSampler(
    NoticeStore notices, ScheduleHealthStore schedules, FolderHealth folders, IOptions<NotifyingOptions> options, ILogger<NoticeSampler> logger) : BackgroundService
{
    public async Task SampleAsync(CancellationToken cancellationToken)
    {
        var machine = Environment.MachineName;
        var troubles = await schedules.TroublesAsync(cancellationToken);
        await notices.ApplyAsync(
            [
                .. troubles.Select(trouble => new NoticeCause(
                    NoticeStore.Schedule, trouble.Trouble == "late" ? "warning" : "error", $"schedule/{trouble.Schedule}/{trouble.Trouble}", trouble.Sentence, "schedule")),
                .. folders.Look().Where(finding => finding.Level != HealthLevel.Ok).Select(finding => new NoticeCause(
                    NoticeStore.DiskLow, finding.Level == HealthLevel.Failing ? "error" : "warning", NoticeStore.DiskCause(machine, finding.Name), $"{finding.Name} on {machine}: {finding.Note}", "disk")),
            ],
            machine, options.Value.KeepDays, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.Validated().Look);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await SampleAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                logger.LogWarning("Notices could not be looked for: {Reason}", PostgresErrors.Translate(e).Message);
            }
        }
    }
}
