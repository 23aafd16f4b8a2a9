using System.Globalization;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;

namespace Pimm.Core.Approving;

/// <summary>Submits campaigns, decides about them and withdraws them; each under the campaign's lock and with its entry in the audit.</summary>
public sealed class ApprovalDesk(NpgsqlDataSource database, DefinitionStore definitions, SubmissionStore submissions, EvidenceStore evidence, AudienceStore audiences, TimeProvider time)
{
    public const int LongestComment = 2000;

    /// <summary>Submits the campaign as it is; what waits or is approved already stays as it is.</summary>
    /// <param name="by">as the audit names whoever asks</param>
    /// <exception cref="InputException">there is no such campaign, it is stopped, or the comment is too long</exception>
    public async Task<CampaignSubmission> SubmitAsync(long campaignId, string by, string? comment, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var submission = await SubmitAsync(connection, await LockAsync(connection, campaignId), by, comment);
        await transaction.CommitAsync(cancellationToken);
        return submission;
    }

    /// <summary>As above, inside the caller's transaction and behind its lock.</summary>
    /// <exception cref="InputException">as above</exception>
    public async Task<CampaignSubmission> SubmitAsync(NpgsqlConnection connection, CampaignDefinition definition, string by, string? comment)
    {
        CheckComment(comment);
        var (campaign, life) = (definition.Campaign, (await LifeRow.FindAsync(connection, definition.Campaign.Id))!);
        if (life.State == LifeStates.Stopped)
        {
            throw new InputException($"Campaign \"{campaign.Name}\" is stopped: there is nothing left to approve, copy it to start again.");
        }
        if (life.Approval is ApprovalStates.InReview or ApprovalStates.Approved && definition.IsSameAs(life.DefinitionSha256!, life.Definition!))
        {
            return (await SubmissionStore.NewestAsync(connection, campaign.Id))!;
        }
        var submission = await SubmissionStore.AddAsync(connection, definition, by, time.GetUtcNow(), Blank(comment));
        await AuditLog.AddAsync(connection, new AuditEntry(by, "campaign.submit", "campaign", Id(campaign.Id), After: new
        {
            submission = submission.Id, definitionSha256 = Convert.ToHexStringLower(submission.DefinitionSha256), comment = submission.Comment,
        }));
        return submission;
    }

    /// <summary>Takes a submission back before anybody has decided: the campaign is a draft again.</summary>
    /// <exception cref="InputException">it waits for no decision</exception>
    public async Task WithdrawAsync(long campaignId, string by, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var definition = await LockAsync(connection, campaignId);
        if ((await LifeRow.FindAsync(connection, campaignId))!.Approval != ApprovalStates.InReview)
        {
            throw new InputException($"Campaign \"{definition.Campaign.Name}\" does not wait for approval: there is nothing to withdraw.");
        }
        await AddAsync(connection, definition, ApprovalDecision.Withdrawn, by, null, null, null);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Approves the newest submission.</summary>
    /// <param name="submissionId">what the approver has seen; null: whatever is the newest</param>
    /// <exception cref="InputException">the approver is its author, or it waits for no decision</exception>
    public Task<ApprovalRecord> ApproveAsync(long campaignId, string by, string? comment, long? submissionId = null, CancellationToken cancellationToken = default) =>
        DecideAsync(campaignId, ApprovalDecision.Approved, by, comment, submissionId, cancellationToken);

    /// <summary>Sends the newest submission back, or takes an approval back that no wave was planned under.</summary>
    /// <param name="comment">what is to change; never empty</param>
    /// <exception cref="InputException">as above, or nothing is said</exception>
    public Task<ApprovalRecord> RequestChangesAsync(long campaignId, string by, string? comment, long? submissionId = null, CancellationToken cancellationToken = default) =>
        string.IsNullOrWhiteSpace(comment)
            ? throw new InputException("Changes are requested without a comment: say what is to change.")
            : DecideAsync(campaignId, ApprovalDecision.ChangesRequested, by, comment, submissionId, cancellationToken);

    private async Task<ApprovalRecord> DecideAsync(long campaignId, string decision, string by, string? comment, long? seenSubmission, CancellationToken cancellationToken)
    {
        CheckComment(comment);
        var read = await definitions.FindAsync(campaignId, cancellationToken) ?? throw Missing(campaignId);
        var seen = await evidence.ReadAsync(read, cancellationToken);
        var changed = await submissions.LastApprovedAsync(campaignId, cancellationToken) is { } before
            ? CampaignDefinition.Differences(CampaignFile.Parse(before.Definition, "The approved definition"), read.File) : null;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var definition = await LockAsync(connection, campaignId);
        var life = (await LifeRow.FindAsync(connection, campaignId))!;
        Check(life, definition, decision, definition.Tag == read.Tag && (seenSubmission is null || seenSubmission == life.SubmissionId));
        if (await LifeStore.PartOfAsync(connection, campaignId, by) is { } part)
        {
            throw new InputException($"{by} is the {part} of campaign \"{definition.Campaign.Name}\" and cannot decide about it: ask somebody else.");
        }
        var record = await AddAsync(connection, definition, decision, by, Blank(comment), changed, seen);
        await transaction.CommitAsync(cancellationToken);
        return record;
    }

    private static void Check(LifeRow life, CampaignDefinition definition, string decision, bool isWhatWasSeen)
    {
        var name = $"Campaign \"{definition.Campaign.Name}\"";
        var revokes = decision == ApprovalDecision.ChangesRequested && life.Approval == ApprovalStates.Approved && !definition.Split;
        if (life.State == LifeStates.Stopped)
        {
            throw new InputException($"{name} is stopped: there is nothing to decide.");
        }
        if (!isWhatWasSeen)
        {
            throw new InputException($"{name} was submitted anew meanwhile: look at it again, then decide.");
        }
        if (life.Approval != ApprovalStates.InReview && !revokes)
        {
            throw new InputException(life.Approval == ApprovalStates.Approved && decision == ApprovalDecision.ChangesRequested
                ? $"{name} has waves under its approval: pause or stop it instead."
                : $"{name} does not wait for a decision (its approval: {life.Approval}): its author must submit it first.");
        }
    }

    private async Task<ApprovalRecord> AddAsync(
        NpgsqlConnection connection, CampaignDefinition definition, string what, string by, string? comment, IReadOnlyList<string>? changed, ApprovalEvidence? seen)
    {
        var submission = (await SubmissionStore.NewestAsync(connection, definition.Campaign.Id))!;
        var audience = await audiences.GetAsync(definition.Campaign.AudienceId);
        var decision = new ApprovalDecision(0, submission.Id, what, by, time.GetUtcNow(), comment, "");
        var record = ApprovalRecord.Of(submission, decision, changed, seen, audience.Simulated);
        var id = await SubmissionStore.AddAsync(connection, decision with { Record = record.ToJson() });
        var action = what switch { ApprovalDecision.Approved => "campaign.approve", ApprovalDecision.Withdrawn => "campaign.withdraw", _ => "campaign.request-changes" };
        await AuditLog.AddAsync(connection, new AuditEntry(by, action, "campaign", Id(definition.Campaign.Id), After: new
        {
            decision = id, submission = submission.Id, record.DefinitionSha256, comment, eligible = seen?.Eligible, overlap = seen?.Overlap,
        }));
        return record;
    }

    private async Task<CampaignDefinition> LockAsync(NpgsqlConnection connection, long campaignId) => await definitions.LockAsync(connection, campaignId) ?? throw Missing(campaignId);

    internal static void CheckComment(string? comment)
    {
        if (comment?.Length > LongestComment)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture, $"The comment has {comment.Length:N0} characters: give it at most {LongestComment:N0}."));
        }
    }

    internal static string? Blank(string? comment) => string.IsNullOrWhiteSpace(comment) ? null : comment.Trim();

    internal static InputException Missing(long campaignId) => new($"There is no campaign {campaignId}: `pimm campaigns list` shows those there are.");

    private static string Id(long campaignId) => campaignId.ToString(CultureInfo.InvariantCulture);
}
