using System.Security.Claims;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scheduling;
using Pimm.Web.Security;

namespace Pimm.Web.Schedules;

/// <summary>What people do to schedules: each click asks again whether they may, and the audit log has it.</summary>
public sealed class ScheduleActions(ScheduleStore schedules, ScheduleOutlookStore outlooks, FiringByHand byHand, CampaignStore campaigns, WorkPermit permit)
{
    /// <summary>Stores a new schedule, or the changed one; a worker then computes its times and says what is wrong with them.</summary>
    /// <exception cref="InputException">the person may not, a value is out of its range, or somebody else changed it meanwhile</exception>
    public async Task<Schedule> SaveAsync(ClaimsPrincipal person, Schedule schedule)
    {
        var name = await permit.DemandAsync(person, Right.Schedule);
        if (schedule.CampaignId is { } campaign)
        {
            ScheduledWork.CheckZone(schedule.Validated(), await campaigns.GetAsync(campaign));
        }

        schedule = schedule with { ChangedBy = name };
        return schedule.Id == 0 ? await schedules.AddAsync(schedule, AuditActor.User(name)) : await schedules.ChangeAsync(schedule, AuditActor.User(name));
    }

    /// <exception cref="InputException">as above</exception>
    public async Task RemoveAsync(ClaimsPrincipal person, long id)
    {
        var name = await permit.DemandAsync(person, Right.Schedule);
        await schedules.RemoveAsync(id, AuditActor.User(name));
    }

    /// <exception cref="InputException">the person may not, or the work cannot be asked for</exception>
    public async Task<ScheduleFiring> RunNowAsync(ClaimsPrincipal person, Schedule schedule)
    {
        var name = await permit.DemandAsync(person, Right.Schedule);
        return await byHand.RunNowAsync(schedule, AuditActor.User(name), name);
    }

    /// <summary>All that it missed, as far as a worker has written it down; what fired meanwhile does not fire again.</summary>
    /// <exception cref="InputException">the person may not, or the days of a campaign are over</exception>
    public async Task<IReadOnlyList<ScheduleFiring>> BackFillAsync(ClaimsPrincipal person, Schedule schedule)
    {
        var name = await permit.DemandAsync(person, Right.Schedule);
        var missed = (await outlooks.FindAsync(schedule.Id))?.Occasions(schedule) ?? [];
        return await byHand.BackFillAsync(schedule, missed, AuditActor.User(name), name);
    }
}
