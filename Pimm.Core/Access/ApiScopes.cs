namespace Pimm.Core.Access;

/// <summary>What a key of the HTTP API may do; each endpoint asks for one.</summary>
public static class ApiScopes
{
    public const string CampaignsRead = "campaigns:read";
    public const string CampaignsWrite = "campaigns:write";
    public const string ListsRead = "lists:read";
    public const string AssignmentsRead = "assignments:read";
    public const string OutcomesWrite = "outcomes:write";
    public const string LiftRead = "lift:read";
    public const string ModelsRead = "models:read";
    public const string RunsRead = "runs:read";
    public const string RunsWrite = "runs:write";
    public const string WebhooksWrite = "webhooks:write";
    public const string ImportsWrite = "imports:write";

    /// <summary>Name and meaning of each.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [CampaignsRead] = "read campaigns and how far they are",
        [CampaignsWrite] = "create and change drafts, submit them for approval",
        [ListsRead] = "download audience lists",
        [AssignmentsRead] = "look up a customer's arm and waves",
        [OutcomesWrite] = "send outcome events",
        [LiftRead] = "read lift reports",
        [ModelsRead] = "read model lines and versions",
        [RunsRead] = "read runs",
        [RunsWrite] = "cancel runs",
        [WebhooksWrite] = "manage webhooks",
        [ImportsWrite] = "upload files to import",
    };

    /// <summary>The scopes of a list such as "campaigns:read, lift:read", each once, in the order of <see cref="All"/>.</summary>
    /// <exception cref="InputException">none is given, or there is no such scope</exception>
    public static string[] Parse(string list)
    {
        var names = list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (names.FirstOrDefault(name => !All.ContainsKey(name)) is { } unknown)
        {
            throw new InputException($"There is no scope \"{unknown}\": choose of {string.Join(", ", All.Keys)}.");
        }
        return names.Length > 0 ? [.. All.Keys.Where(names.Contains)] : throw new InputException($"A key without a scope opens nothing: give one or more of {string.Join(", ", All.Keys)}.");
    }
}
