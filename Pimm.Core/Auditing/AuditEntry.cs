using System.Globalization;

namespace Pimm.Core.Auditing;

/// <summary>Who did, read or took what. Never an identifier of a customer: the log is kept for ever.</summary>
/// <param name="Actor">one of <see cref="AuditActor"/></param>
/// <param name="Action">a verb with a dot: "campaign.create", "list.download"</param>
/// <param name="ObjectKind">what it was done to: "campaign", "list"</param>
/// <param name="ObjectId">which one</param>
/// <param name="Before">as it was; null: there was nothing, or nothing changed. See <see cref="AuditDiff"/></param>
/// <param name="After">as it is; for a disclosure, how much</param>
/// <param name="From">address or machine that the wish came from</param>
public sealed record AuditEntry(
    string Actor, string Action, string ObjectKind, string ObjectId, object? Before = null, object? After = null, string? From = null);

/// <summary>How the log names those who act.</summary>
public static class AuditActor
{
    /// <summary>Somebody who has not signed in.</summary>
    public const string Anonymous = "anonymous";

    /// <summary>A worker by itself, outside of any run.</summary>
    public const string Pimm = "pimm";

    private const string Keys = "key:";

    /// <summary>Whoever typed the command, by the operating system.</summary>
    public static string CommandLine { get; } = $"cli:{Environment.UserName}";

    public static string User(string name) => $"user:{name}";

    public static string Key(string prefix) => $"{Keys}{prefix}";

    /// <summary>Of a key; null where the actor is none.</summary>
    public static string? PrefixOf(string actor) => actor.StartsWith(Keys, StringComparison.Ordinal) ? actor[Keys.Length..] : null;

    public static string Run(long id) => string.Create(CultureInfo.InvariantCulture, $"run:{id}");
}
