using System.Security.Claims;
using Pimm.Core.Approving;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;

namespace Pimm.Web.Approvals;

/// <param name="Before">the last definition that was approved; null: none was</param>
/// <param name="Submission">the newest one; null: it was never submitted</param>
/// <param name="Submissions">the oldest first</param>
public sealed record ApprovalView(
    CampaignDefinition Definition, CampaignFile? Before, CampaignLife Life, CampaignSubmission? Submission, ApprovalEvidence Seen,
    IReadOnlyList<CampaignSubmission> Submissions, IReadOnlyList<ApprovalDecision> Decisions);

/// <summary>Reads what the pages on approvals show.</summary>
public sealed class ApprovalRoom(ApprovalListStore list, DefinitionStore definitions, SubmissionStore submissions, EvidenceStore evidence, LifeActions actions)
{
    public Task<IReadOnlyList<ApprovalRow>> ListAsync(ClaimsPrincipal person, string view, int offset, int limit) =>
        list.ListAsync(view, AuditActor.User(person.Identity!.Name!), offset, limit);

    /// <returns>null where there is no such campaign</returns>
    public async Task<ApprovalView?> ReadAsync(ClaimsPrincipal person, long campaignId)
    {
        if (await definitions.FindAsync(campaignId) is not { } definition || await actions.ReadAsync(person, campaignId) is not { } life)
        {
            return null;
        }
        var all = await submissions.SubmissionsAsync(campaignId);
        // While a campaign is approved as it is, it is compared with the approval before.
        var decisions = await submissions.DecisionsAsync(campaignId);
        var approved = all.LastOrDefault(submission => submission.Id != all[^1].Id && decisions.Any(decision => decision.SubmissionId == submission.Id && decision.Decision == ApprovalDecision.Approved));
        return new ApprovalView(
            definition, approved is null ? null : CampaignFile.Parse(approved.Definition, "The approved definition"), life, all.LastOrDefault(),
            await evidence.ReadAsync(definition), all, decisions);
    }
}
