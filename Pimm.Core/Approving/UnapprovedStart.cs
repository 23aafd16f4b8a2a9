using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;

namespace Pimm.Core.Approving;

/// <summary>Writes into the audit log that a process of this installation starts without asking for approvals.</summary>
internal sealed class UnapprovedStart(NpgsqlDataSource database, IOptions<ApprovalOptions> options, TimeProvider time, ILogger<UnapprovedStart> log) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!options.Value.Required)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(stoppingToken);
                await AuditLog.AddAsync(connection, new AuditEntry(
                    AuditActor.Pimm, "approval.not-required", "setting", $"{ApprovalOptions.Section}:{nameof(ApprovalOptions.Required)}", After: new { process = AppDomain.CurrentDomain.FriendlyName, Environment.ProcessId }));
                return;
            }
            catch (Exception away) when (!stoppingToken.IsCancellationRequested)
            {
                // A process may start before its database does.
                log.LogWarning("Approvals are not required, which the audit log could not be told: {Reason}", away.Message);
                await Task.Delay(Pause, time, stoppingToken);
            }
        }
    }
}
