using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;

namespace Pimm.Core.Approving;

/// <summary>A definition that somebody asked others to approve.</summary>
/// <param name="Definition">as it was submitted, as JSON</param>
public sealed record CampaignSubmission(
    long Id, long CampaignId, byte[] DefinitionSha256, string Definition, string SubmittedBy, DateTimeOffset SubmittedAt, string? Comment);

/// <summary>What became of a submission; of several the newest counts.</summary>
/// <param name="Decision">one of <see cref="Approved"/>, <see cref="ChangesRequested"/>, <see cref="Withdrawn"/></param>
/// <param name="Record">JSON: what was decided, and what was seen then</param>
public sealed record ApprovalDecision(long Id, long SubmissionId, string Decision, string DecidedBy, DateTimeOffset DecidedAt, string? Comment, string Record)
{
    public const string Approved = ApprovalStates.Approved;
    public const string ChangesRequested = ApprovalStates.ChangesRequested;
    public const string Withdrawn = ApprovalStates.Withdrawn;
}

/// <summary>Submissions for approval and the decisions about them; neither is ever changed.</summary>
public sealed class SubmissionStore(NpgsqlDataSource database)
{
    private const string Columns = "id, campaign_id, definition_sha256, definition::text, submitted_by, submitted_at, comment";

    private const string SelectNewest = $"select {Columns} from campaign_submission where campaign_id = @campaignId order by id desc limit 1";

    private const string SelectApproved =
        $"""
        select {Columns} from campaign_submission s
         where campaign_id = @campaignId and exists (select from approval_decision d where d.submission_id = s.id and d.decision = 'approved')
         order by id desc limit 1
        """;

    private const string SelectSubmissions = $"select {Columns} from campaign_submission where campaign_id = @campaignId order by id";

    private const string SelectDecisions =
        """
        select d.id, d.submission_id, d.decision, d.decided_by, d.decided_at, d.comment, d.record
          from approval_decision d join campaign_submission s on s.id = d.submission_id
         where s.campaign_id = @campaignId order by d.id
        """;

    private const string InsertSubmission =
        $"""
        insert into campaign_submission (campaign_id, definition_sha256, definition, submitted_by, submitted_at, comment)
        values (@campaignId, @sha, @definition::jsonb, @by, @at, @comment)
        returning {Columns}
        """;

    private const string InsertDecision =
        """
        insert into approval_decision (submission_id, decision, decided_by, decided_at, comment, record)
        values (@SubmissionId, @Decision, @DecidedBy, @DecidedAt, @Comment, @Record)
        returning id
        """;

    private const string InsertEdit =
        "insert into campaign_edit (campaign_id, definition_sha256, edited_by, edited_at) values (@campaignId, @sha, @by, @at)";

    public async Task<CampaignSubmission?> NewestAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await NewestAsync(connection, campaignId);
    }

    /// <summary>The newest that was approved at some time; null: none was.</summary>
    public async Task<CampaignSubmission?> LastApprovedAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<CampaignSubmission>(new CommandDefinition(SelectApproved, new { campaignId }, cancellationToken: cancellationToken));
    }

    /// <summary>The oldest first.</summary>
    public async Task<IReadOnlyList<CampaignSubmission>> SubmissionsAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<CampaignSubmission>(new CommandDefinition(SelectSubmissions, new { campaignId }, cancellationToken: cancellationToken))];
    }

    /// <summary>About all submissions of the campaign, the oldest first.</summary>
    public async Task<IReadOnlyList<ApprovalDecision>> DecisionsAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ApprovalDecision>(new CommandDefinition(SelectDecisions, new { campaignId }, cancellationToken: cancellationToken))];
    }

    internal static Task<CampaignSubmission?> NewestAsync(NpgsqlConnection connection, long campaignId) =>
        connection.QuerySingleOrDefaultAsync<CampaignSubmission>(SelectNewest, new { campaignId });

    internal static Task<CampaignSubmission> AddAsync(NpgsqlConnection connection, CampaignDefinition definition, string by, DateTimeOffset at, string? comment) =>
        connection.QuerySingleAsync<CampaignSubmission>(InsertSubmission, new { campaignId = definition.Campaign.Id, sha = definition.Sha256, definition = definition.Json, by, at, comment });

    internal static Task<long> AddAsync(NpgsqlConnection connection, ApprovalDecision decision) => connection.ExecuteScalarAsync<long>(InsertDecision, decision);

    internal static Task AddEditAsync(NpgsqlConnection connection, CampaignDefinition changed, string by, DateTimeOffset at) =>
        connection.ExecuteAsync(InsertEdit, new { campaignId = changed.Campaign.Id, sha = changed.Sha256, by, at });
}
