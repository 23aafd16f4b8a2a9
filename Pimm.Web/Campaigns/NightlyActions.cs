using System.Security.Claims;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Web.Security;

namespace Pimm.Web.Campaigns;

/// <summary>A campaign's nights, by a schedule of its own: whoever defines campaigns has them run without anybody beside them.</summary>
public sealed class NightlyActions(ScheduleStore schedules, CampaignStore campaigns, LifeStore lives, TimeProvider time, WorkPermit permit)
{
    /// <summary>When the night begins, in the campaign's zone.</summary>
    public const string Begins = "02:30";

    private const string Cron = "30 2 * * *";

    /// <summary>Whether it is approved, days are to come, and no schedule runs them.</summary>
    public async Task<bool> AreMissingAsync(Campaign campaign, CampaignLife life) =>
        life is { ApprovalState: ApprovalStates.Approved, State: LifeStates.Approved or LifeStates.Running }
        && campaign.DateOf(time.GetUtcNow()) < campaign.StartsOn.AddDays(campaign.Days)
        && (await schedules.ListAsync()).All(schedule => schedule.CampaignId != campaign.Id);

    /// <exception cref="InputException">the person may not, it is not approved, or it has a schedule already</exception>
    public async Task StartAsync(ClaimsPrincipal person, long campaignId)
    {
        var name = await permit.DemandAsync(person, Right.DefineCampaigns);
        var campaign = await campaigns.GetAsync(campaignId);
        if (await lives.ReadAsync(campaignId) is not { ApprovalState: ApprovalStates.Approved })
        {
            throw new InputException($"Campaign \"{campaign.Name}\" is not approved: its nights are run when somebody other than its author has approved it.");
        }
        await schedules.AddAsync(Schedule.New(FormattableString.Invariant($"campaign {campaignId}"), ScheduleKinds.Campaign, null, campaignId, Cron, campaign.TimeZone, name), AuditActor.User(name));
    }
}
