using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;

namespace Pimm.Core.Approving;

/// <summary>Pauses, resumes and stops campaigns: one person at once, no approval. Under the lock that waves and lists are published behind.</summary>
public sealed class CampaignSteering(NpgsqlDataSource database, DefinitionStore definitions, TimeProvider time)
{
    private const string Insert =
        "insert into campaign_event (campaign_id, event, caused_by, caused_at, reason) values (@campaignId, @what, @by, @at, @reason)";

    // A queued run is cancelled here, a running one when its worker's next heartbeat hears of it; whatever it still tries to publish is refused.
    private const string CancelRuns =
        """
        update job_run
           set cancel_requested = true,
               state = case state when 'queued' then 'cancelled' else state end,
               finished_at = case state when 'queued' then clock_timestamp() end
         where campaign_id = @campaignId and kind = any(@kinds) and state in ('queued', 'running')
        returning id
        """;

    private static readonly string[] Stoppable = [AllocateWave.JobKind, "export"];

    /// <param name="by">as the audit names whoever asks</param>
    /// <exception cref="InputException">no wave is to come that could be paused</exception>
    public Task PauseAsync(long campaignId, string by, string? reason, CancellationToken cancellationToken = default) =>
        ChangeAsync(campaignId, "paused", "campaign.pause", by, reason, life => life.State is LifeStates.Approved or LifeStates.Scheduled or LifeStates.Running
            ? null : $"is {life.State}: only an approved or running campaign can be paused", cancellationToken);

    /// <summary>Days that passed meanwhile stay missing in both arms.</summary>
    /// <exception cref="InputException">it is not paused</exception>
    public Task ResumeAsync(long campaignId, string by, string? reason, CancellationToken cancellationToken = default) =>
        ChangeAsync(campaignId, "resumed", "campaign.resume", by, reason, life => life.State == LifeStates.Paused ? null : $"is {life.State}: only a paused campaign can be resumed", cancellationToken);

    /// <summary>For ever: runs that select or export are cancelled, and nothing is planned or exported any more.</summary>
    /// <returns>the runs that were cancelled</returns>
    /// <exception cref="InputException">it is over already</exception>
    public Task<IReadOnlyList<long>> StopAsync(long campaignId, string by, string? reason, CancellationToken cancellationToken = default) =>
        ChangeAsync(campaignId, "stopped", "campaign.stop", by, reason, life => life.State is LifeStates.Stopped or LifeStates.Completed ? $"is {life.State} already" : null, cancellationToken);

    private async Task<IReadOnlyList<long>> ChangeAsync(
        long campaignId, string what, string action, string by, string? reason, Func<LifeRow, string?> refusal, CancellationToken cancellationToken)
    {
        ApprovalDesk.CheckComment(reason);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var campaign = (await definitions.LockAsync(connection, campaignId) ?? throw ApprovalDesk.Missing(campaignId)).Campaign;
        var life = (await LifeRow.FindAsync(connection, campaignId))!;
        if (refusal(life) is { } why)
        {
            throw new InputException($"Campaign \"{campaign.Name}\" {why}.");
        }
        await connection.ExecuteAsync(Insert, new { campaignId, what, by, at = time.GetUtcNow(), reason = ApprovalDesk.Blank(reason) });
        IReadOnlyList<long> cancelled = what == "stopped" ? [.. await connection.QueryAsync<long>(CancelRuns, new { campaignId, kinds = Stoppable })] : [];
        await AuditLog.AddAsync(connection, new AuditEntry(
            by, action, "campaign", campaignId.ToString(CultureInfo.InvariantCulture), Before: new { life.State }, After: new { State = what, reason = ApprovalDesk.Blank(reason), cancelledRuns = cancelled }));
        await transaction.CommitAsync(cancellationToken);
        return cancelled;
    }
}
