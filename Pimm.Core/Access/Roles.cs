namespace Pimm.Core.Access;

/// <summary>The names of the four roles, as the migration inserts them.</summary>
public static class Roles
{
    /// <summary>Sees campaigns and reports, changes nothing.</summary>
    public const string Viewer = "Viewer";

    /// <summary>Defines campaigns and starts their stages.</summary>
    public const string Marketer = "Marketer";

    /// <summary>Trains models and starts stages.</summary>
    public const string DataScientist = "DataScientist";

    /// <summary>Everything, users and settings included.</summary>
    public const string Administrator = "Administrator";

    public static IReadOnlyList<string> All { get; } = [Viewer, Marketer, DataScientist, Administrator];

    /// <summary>The role by its name in any case.</summary>
    /// <exception cref="InputException">There is no such role.</exception>
    public static string Named(string name) =>
        All.FirstOrDefault(role => string.Equals(role, name, StringComparison.OrdinalIgnoreCase))
        ?? throw new InputException($"There is no role '{name}'; use one of {string.Join(", ", All)}.");
}
