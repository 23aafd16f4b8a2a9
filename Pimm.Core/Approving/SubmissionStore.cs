using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Approving;

/// <summary>A definition that somebody asked others to approve.</summary>
public sealed record CampaignSubmission(
    long Id, long CampaignId, byte[] DefinitionSha256, string SubmittedBy, DateTimeOffset SubmittedAt, string? Comment)
{
    public const string Submitted = "submitted";

    /// <summary>The campaign was changed since: it must be submitted again.</summary>
    public const string Void = "void";

    public string StateFor(CampaignDefinition current) => DefinitionSha256.AsSpan().SequenceEqual(current.Sha256) ? Submitted : Void;
}

/// <summary>Submissions for approval. Who approves, and what an approval lets run, is not built yet.</summary>
public sealed class SubmissionStore(NpgsqlDataSource database, TimeProvider time)
{
    public const int LongestComment = 2000;

    private const string SelectNewest =
        """
        select id, campaign_id, definition_sha256, submitted_by, submitted_at, comment
          from campaign_submission where campaign_id = @campaignId order by id desc limit 1
        """;

    private const string Insert =
        """
        insert into campaign_submission (campaign_id, definition_sha256, definition, submitted_by, submitted_at, comment)
        values (@campaignId, @sha, @definition::jsonb, @by, @at, @comment)
        returning id, campaign_id, definition_sha256, submitted_by, submitted_at, comment
        """;

    public async Task<CampaignSubmission?> NewestAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await NewestAsync(connection, campaignId);
    }

    /// <summary>Submits a definition inside the caller's transaction, behind its lock; one that is submitted already stays as it is.</summary>
    /// <param name="by">as the audit names whoever asks</param>
    /// <exception cref="InputException">the comment is too long</exception>
    public async Task<CampaignSubmission> SubmitAsync(NpgsqlConnection connection, CampaignDefinition definition, string by, string? comment)
    {
        if (comment?.Length > LongestComment)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture, $"The comment has {comment.Length:N0} characters: give it at most {LongestComment:N0}."));
        }
        var campaignId = definition.Campaign.Id;
        if (await NewestAsync(connection, campaignId) is { } before && before.StateFor(definition) == CampaignSubmission.Submitted)
        {
            return before;
        }
        var submission = await connection.QuerySingleAsync<CampaignSubmission>(
            Insert, new { campaignId, sha = definition.Sha256, definition = definition.Json, by, at = time.GetUtcNow(), comment });
        await AuditLog.AddAsync(connection, new AuditEntry(by, "campaign.submit", "campaign", campaignId.ToString(CultureInfo.InvariantCulture), After: new
        {
            submission = submission.Id, definitionSha256 = Convert.ToHexStringLower(submission.DefinitionSha256), comment,
        }));
        return submission;
    }

    private static Task<CampaignSubmission?> NewestAsync(NpgsqlConnection connection, long campaignId) =>
        connection.QuerySingleOrDefaultAsync<CampaignSubmission>(SelectNewest, new { campaignId });
}
