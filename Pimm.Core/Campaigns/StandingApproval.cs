using Microsoft.Extensions.Options;
using Npgsql;

namespace Pimm.Core.Campaigns;

/// <summary>May this campaign plan a wave or publish lists now? Asked inside the transaction that does so.</summary>
public sealed class StandingApproval(DefinitionStore definitions, NpgsqlDataSource database, IOptions<ApprovalOptions> options)
{
    /// <summary>As <see cref="DemandAsync"/>, before work is begun that would be refused in the end.</summary>
    /// <exception cref="InputException">it may not</exception>
    public async Task DemandEarlyAsync(long campaignId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await DemandAsync(connection, campaignId);
    }

    /// <summary>Until the end of the caller's transaction nobody changes, pauses or stops the campaign.</summary>
    /// <exception cref="InputException">it is stopped or paused, or nobody approved it as it is; the sentence says what to do</exception>
    public async Task DemandAsync(NpgsqlConnection connection, long campaignId)
    {
        var current = await definitions.LockAsync(connection, campaignId) ?? throw new InputException($"There is no campaign {campaignId}: `pimm campaigns list` shows those there are.");
        var life = (await LifeRow.FindAsync(connection, campaignId))!;
        if (Refusal(life, current, options.Value.Required) is { } refusal)
        {
            throw new InputException(refusal);
        }
    }

    /// <summary>Who approved the campaign as it is; null: nobody did.</summary>
    public async Task<string?> ApprovedByAsync(long campaignId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await LifeRow.FindAsync(connection, campaignId) is { Approval: ApprovalStates.Approved, DecidedBy: { } by } ? by : null;
    }

    /// <summary>Whether it is paused or stopped: what nobody watches has nothing to do then.</summary>
    public async Task<string?> RestsAsync(long campaignId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await LifeRow.FindAsync(connection, campaignId) is { } life ? Rest(life) : null;
    }

    private static string? Rest(LifeRow life) => life switch
    {
        { StoppedAt: { } at, StoppedBy: { } by } => FormattableString.Invariant($"stopped on {at:yyyy-MM-dd HH:mm} UTC by {by}"),
        { PausedAt: { } at, PausedBy: { } by } => FormattableString.Invariant($"paused since {at:yyyy-MM-dd HH:mm} UTC by {by}"),
        _ => null,
    };

    private static string? Refusal(LifeRow life, CampaignDefinition current, bool required)
    {
        var name = $"Campaign \"{current.Campaign.Name}\"";
        return life switch
        {
            { StoppedAt: not null } => $"{name} was {Rest(life)}: no wave is planned or exported any more, copy it to start again.",
            { PausedAt: not null } => $"{name} is {Rest(life)}: resume it first (`pimm campaigns resume {life.CampaignId}`).",
            _ when !required => null,
            { Approval: ApprovalStates.None } => $"{name} is not approved: submit it, and let somebody else approve it (`pimm approvals list`).",
            { Approval: ApprovalStates.InReview } => $"{name} waits for approval since {life.SubmittedAt:yyyy-MM-dd HH:mm} UTC: let somebody other than its author approve it (`pimm approvals show {life.CampaignId}`).",
            { Approval: ApprovalStates.ChangesRequested } => $"{name} is not approved, {life.DecidedBy} requested changes: change it and submit it again.",
            { Approval: ApprovalStates.Withdrawn } => $"{name} is not approved, its submission was withdrawn: submit it again.",
            { Approval: ApprovalStates.Void } => $"{name} was changed after it was submitted, which revokes the approval: submit it again.",
            _ when !current.IsSameAs(life.DefinitionSha256!, life.Definition!) => $"{name} is not what was approved (its definition has another hash): submit it again.",
            _ => null,
        };
    }
}
