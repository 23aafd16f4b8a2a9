using System.Security.Claims;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Core.Notifying;
using Pimm.Core.Operating;
using Pimm.Web.Notices;
using Pimm.Web.Security;

namespace Pimm.Web.Home;

/// <summary>What the home page shows to one person.</summary>
/// <param name="Approvals">that this person may decide on</param>
/// <param name="Imports">files that wait for somebody's word</param>
/// <param name="Notices">open ones, approvals not among them</param>
/// <param name="MoreNotices">that are not shown</param>
public sealed record HomeView(
    IReadOnlyList<WaitingApproval> Approvals, IReadOnlyList<ImportListRow> Imports, IReadOnlyList<Notice> Notices, long MoreNotices,
    IReadOnlyList<CampaignAtWork> Running, IReadOnlyList<CampaignAtWork> Finished, IReadOnlyList<NightStep> Night, IReadOnlyList<ChampionNow> Champions, FirstSteps Steps)
{
    public bool NothingNeeded => Approvals.Count + Imports.Count + Notices.Count == 0;
}

/// <summary>Reads what the home page shows.</summary>
public sealed class HomeRoom(OverviewStore overview, NoticeStore notices, ImportListStore imports, TimeProvider time)
{
    private const int Shown = 6;
    private const int ImportsLookedAt = 30;

    public static readonly TimeSpan Night = TimeSpan.FromHours(24);

    public async Task<HomeView> ReadAsync(ClaimsPrincipal person)
    {
        var user = NoticeAddress.UserOf(person);
        var steps = await overview.FirstStepsAsync();
        var open = await notices.ListAsync(user, resolved: false, 0, 50);
        var told = open.Where(notice => notice.Kind != "approval-waiting").OrderByDescending(notice => notice.Severity == "error").ToList();
        return new HomeView(
            await ApprovalsAsync(person), await ImportsAsync(person), [.. told.Take(Shown)], Math.Max(0, told.Count - Shown),
            await overview.RunningAsync(Shown), await overview.FinishedAsync(3), await overview.NightAsync(time.GetUtcNow() - Night), await overview.ChampionsAsync(Shown), steps);
    }

    private async Task<IReadOnlyList<WaitingApproval>> ApprovalsAsync(ClaimsPrincipal person) => WorkPermit.Shown(person, Right.Approve)
        ? [.. (await overview.ApprovalsAsync(50)).Where(waiting => waiting.SubmittedBy != AuditActor.User(person.Identity?.Name ?? "")).Take(Shown)]
        : [];

    private async Task<IReadOnlyList<ImportListRow>> ImportsAsync(ClaimsPrincipal person) => WorkPermit.Shown(person, Right.Import)
        ? [.. (await imports.ListAsync("", 0, ImportsLookedAt)).Where(row => row.State is "checked" or "uploaded" or "refused").Take(Shown)]
        : [];
}
