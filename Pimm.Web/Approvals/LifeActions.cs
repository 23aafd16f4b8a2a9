using System.Security.Claims;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Approving;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Web.Security;

namespace Pimm.Web.Approvals;

/// <summary>The only way from a page to a campaign's life: asks at every click whether the person may; the audit says who did.</summary>
public sealed class LifeActions(LifeStore lives, ApprovalDesk desk, CampaignSteering steering, WorkPermit permit)
{
    /// <summary>Where the campaign stands, and whether this person may decide about it.</summary>
    /// <returns>null where there is no such campaign</returns>
    public async Task<CampaignLife?> ReadAsync(ClaimsPrincipal person, long campaignId)
    {
        var life = await lives.ReadAsync(campaignId, person.Identity?.Name is { } name ? AuditActor.User(name) : null);
        return life is not null && !WorkPermit.Shown(person, Right.Approve)
            ? life with { MayApprove = false, WhyNot = $"Only {string.Join(", ", Rights.Holders(Right.Approve))} may {Rights.Words(Right.Approve)}." }
            : life;
    }

    /// <exception cref="InputException">the person may not, or there is nothing to submit</exception>
    public async Task SubmitAsync(ClaimsPrincipal person, long campaignId, string? comment) =>
        await desk.SubmitAsync(campaignId, await ActorAsync(person, Right.DefineCampaigns), comment);

    /// <exception cref="InputException">the person may not, or it waits for no decision</exception>
    public async Task WithdrawAsync(ClaimsPrincipal person, long campaignId) =>
        await desk.WithdrawAsync(campaignId, await ActorAsync(person, Right.DefineCampaigns));

    /// <param name="submissionId">what the person has seen</param>
    /// <exception cref="InputException">the person may not, is its author, or it waits for no decision</exception>
    public async Task ApproveAsync(ClaimsPrincipal person, long campaignId, string? comment, long? submissionId = null) =>
        await desk.ApproveAsync(campaignId, await ActorAsync(person, Right.Approve), comment, submissionId);

    /// <param name="comment">what is to change; never empty</param>
    /// <exception cref="InputException">as above, or nothing is said</exception>
    public async Task RequestChangesAsync(ClaimsPrincipal person, long campaignId, string? comment, long? submissionId = null) =>
        await desk.RequestChangesAsync(campaignId, await ActorAsync(person, Right.Approve), comment, submissionId);

    /// <exception cref="InputException">the person may not, or no wave is to come</exception>
    public async Task PauseAsync(ClaimsPrincipal person, long campaignId, string? reason = null) =>
        await steering.PauseAsync(campaignId, await ActorAsync(person, Right.StopCampaigns), reason);

    /// <exception cref="InputException">the person may not, or it is not paused</exception>
    public async Task ResumeAsync(ClaimsPrincipal person, long campaignId, string? reason = null) =>
        await steering.ResumeAsync(campaignId, await ActorAsync(person, Right.StopCampaigns), reason);

    /// <summary>For ever: ask the person first.</summary>
    /// <returns>runs that were cancelled</returns>
    /// <exception cref="InputException">the person may not, or it is over already</exception>
    public async Task<IReadOnlyList<long>> StopAsync(ClaimsPrincipal person, long campaignId, string? reason = null) =>
        await steering.StopAsync(campaignId, await ActorAsync(person, Right.StopCampaigns), reason);

    private async Task<string> ActorAsync(ClaimsPrincipal person, Right right) => AuditActor.User(await permit.DemandAsync(person, right));
}
