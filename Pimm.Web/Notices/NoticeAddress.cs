using System.Globalization;
using System.Security.Claims;
using Pimm.Core.Notifying;

namespace Pimm.Web.Notices;

/// <summary>Where a notice leads, and whose it is.</summary>
public static class NoticeAddress
{
    public static string Of(Notice notice) => notice switch
    {
        { Object: "run", ObjectId: { } run } => $"/runs/{run}",
        { Kind: "lift-alarm", ObjectId: { } campaign } => $"/campaigns/{campaign}/lift",
        { Kind: "approval-waiting" } => "/approvals",
        { Object: "campaign", ObjectId: { } campaign } => $"/campaigns/{campaign}",
        { Object: "schedule", ObjectId: { } schedule } => $"/schedules/{schedule}",
        { Object: "schedule" } => "/schedules",
        _ => "/health",
    };

    /// <summary>The number of whoever is signed in; 0: nobody.</summary>
    public static long UserOf(ClaimsPrincipal person) => long.TryParse(person.FindFirstValue(ClaimTypes.NameIdentifier), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0;
}
