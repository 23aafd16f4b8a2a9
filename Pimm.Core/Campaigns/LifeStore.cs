using Dapper;
using Npgsql;

namespace Pimm.Core.Campaigns;

/// <summary>A row of the view campaign_life.</summary>
/// <param name="Definition">as it was submitted, as JSON; null: it never was</param>
public sealed record LifeRow(
    long CampaignId, string State, string Approval, long? SubmissionId, byte[]? DefinitionSha256, string? Definition, string? SubmittedBy, DateTimeOffset? SubmittedAt,
    string? SubmittedComment, long? DecisionId, string? DecidedBy, DateTimeOffset? DecidedAt, string? DecidedComment, string? PausedBy, DateTimeOffset? PausedAt,
    string? StoppedBy, DateTimeOffset? StoppedAt, string? StopReason)
{
    private const string Select =
        """
        select campaign_id, state, approval, submission_id, definition_sha256, definition, submitted_by, submitted_at, submitted_comment, decision_id, decided_by,
               decided_at, decided_comment, paused_by, paused_at, stopped_by, stopped_at, stop_reason
          from campaign_life where campaign_id = @campaignId
        """;

    /// <returns>null where there is no such campaign</returns>
    public static Task<LifeRow?> FindAsync(NpgsqlConnection connection, long campaignId) =>
        connection.QuerySingleOrDefaultAsync<LifeRow>(Select, new { campaignId });
}

/// <summary>Reads where campaigns stand in their lives.</summary>
public sealed class LifeStore(NpgsqlDataSource database)
{
    private const string SelectStates = "select campaign_id, state from campaign_life where campaign_id = any(@ids)";

    private const string SelectPart =
        "select part from campaign_author where campaign_id = @campaignId and person = person_of(@actor) order by part limit 1";

    /// <param name="actor">who reads, as the audit names it; null: nobody who could decide</param>
    /// <returns>null where there is no such campaign</returns>
    public async Task<CampaignLife?> ReadAsync(long campaignId, string? actor = null, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        if (await LifeRow.FindAsync(connection, campaignId) is not { } row)
        {
            return null;
        }
        var part = actor is null ? null : await PartOfAsync(connection, campaignId, actor);
        var whyNot = WhyNot(row, actor, part);
        return new CampaignLife(
            row.State, row.Approval, row.SubmittedBy, row.DecidedBy, row.DecidedBy is null ? row.SubmittedComment : row.DecidedComment, whyNot is null, whyNot,
            row.SubmittedAt, row.DecidedAt, row.PausedBy, row.PausedAt, row.StoppedBy, row.StoppedAt, row.StopReason);
    }

    /// <summary>States of several campaigns by their ids, for lists.</summary>
    public async Task<IReadOnlyDictionary<long, string>> StatesAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<(long Id, string State)>(new CommandDefinition(SelectStates, new { ids = ids.ToArray() }, cancellationToken: cancellationToken)))
            .ToDictionary(row => row.Id, row => row.State);
    }

    /// <summary>creator, last editor or submitter; null: the campaign is not the actor's own work.</summary>
    public static Task<string?> PartOfAsync(NpgsqlConnection connection, long campaignId, string actor) =>
        connection.ExecuteScalarAsync<string?>(SelectPart, new { campaignId, actor });

    private static string? WhyNot(LifeRow row, string? actor, string? part) => row switch
    {
        _ when actor is null => "Only a person can decide, who has signed in.",
        { StoppedAt: not null } => "The campaign is stopped for ever: there is nothing to decide.",
        { Approval: ApprovalStates.None } => "It was not submitted yet.",
        { Approval: ApprovalStates.Void } => "It was changed since it was submitted: it must be submitted again.",
        { Approval: ApprovalStates.Withdrawn } => "The submission was withdrawn.",
        { Approval: ApprovalStates.ChangesRequested } => "Changes were requested: it must be submitted again.",
        { Approval: ApprovalStates.Approved } => "It is approved already.",
        _ when part is not null => $"You are the {part} of this campaign: somebody else decides.",
        _ => null,
    };
}
