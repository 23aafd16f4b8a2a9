using Pimm.Core.Access;

namespace Pimm.Web.Layout;

/// <param name="Key">typed behind g</param>
/// <param name="Right">who does not hold it does not see the entry; the page asks again</param>
public sealed record Room(string Address, string Icon, string Name, char Key, Right? Right = null);

/// <summary>The rooms of the house in the order of the navigation, in groups.</summary>
public static class Rooms
{
    public static IReadOnlyList<IReadOnlyList<Room>> Groups { get; } =
    [
        [new("/", "home", "Home", 'h'), new("/campaigns", "campaign", "Campaigns", 'c'), new("/approvals", "fact_check", "Approvals", 'a'), new("/portfolio", "monitoring", "Portfolio", 'p')],
        [new("/models", "model_training", "Models", 'm'), new("/audiences", "groups", "Audiences", 'u'), new("/imports", "upload_file", "Imports", 'i'), new("/privacy", "shield_person", "Privacy", 'y', Right.KeepPrivacy)],
        [new("/runs", "play_circle", "Runs", 'r'), new("/schedules", "schedule", "Schedules", 's'), new("/health", "monitor_heart", "Health", 'e')],
        [new("/audit", "history", "Audit log", 'l', Right.Audit), new("/users", "group", "Users", 'o', Right.Administer), new("/settings", "settings", "Settings", 't', Right.Administer), new("/help", "help", "Help", 'q')],
    ];
}
