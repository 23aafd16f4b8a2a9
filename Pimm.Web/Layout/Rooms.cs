using Pimm.Core.Access;

namespace Pimm.Web.Layout;

/// <param name="Right">who does not hold it does not see the entry; the page asks again</param>
public sealed record Room(string Address, string Icon, string Name, Right? Right = null);

/// <summary>The rooms of the house in the order of the navigation, in groups.</summary>
public static class Rooms
{
    public static IReadOnlyList<IReadOnlyList<Room>> Groups { get; } =
    [
        [new("/", "home", "Home"), new("/campaigns", "campaign", "Campaigns"), new("/approvals", "fact_check", "Approvals"), new("/portfolio", "monitoring", "Portfolio")],
        [new("/models", "model_training", "Models"), new("/audiences", "groups", "Audiences"), new("/imports", "upload_file", "Imports"), new("/privacy", "shield_person", "Privacy", Right.KeepPrivacy)],
        [new("/runs", "play_circle", "Runs"), new("/schedules", "schedule", "Schedules"), new("/health", "monitor_heart", "Health")],
        [new("/audit", "history", "Audit log", Right.Audit), new("/users", "group", "Users", Right.Administer), new("/settings", "settings", "Settings", Right.Administer), new("/help", "help", "Help")],
    ];
}
