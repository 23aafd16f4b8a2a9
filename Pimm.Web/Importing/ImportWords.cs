using System.Text.RegularExpressions;
using Pimm.Core.Importing;

namespace Pimm.Web.Importing;

/// <summary>Words of the import pages, where the command line has others.</summary>
public static partial class ImportWords
{
    private const string RowNumber = "choose the key row-number";

    /// <summary>A sentence that names an option of the command line names the page's field instead.</summary>
    public static string OfPage(string sentence) => Option().Replace(Bracketed().Replace(sentence, "").Replace(RowNumber, "count each row as a customer of its own", StringComparison.Ordinal), found => found.Groups[1].Value switch
    {
        "date-order" => "“Date order”",
        "zone" => "“Time zone of times without one”",
        "order" => "“Labels out of order”",
        "delimiter" => "“Fields are divided by”",
        "accept-bad-share" => "the word to leave the bad rows out",
        _ => found.Value,
    });

    /// <summary>user:ada → ada; a run, a key or a command line says which it is.</summary>
    public static string Who(string? actor) => actor switch
    {
        null => "–",
        ['u', 's', 'e', 'r', ':', .. var name] => name,
        ['c', 'l', 'i', ':', .. var name] => $"{name} (command line)",
        _ => actor.Replace(":", " ", StringComparison.Ordinal),
    };

    public static string State(string state) => state switch
    {
        "finished" or "succeeded" => "done",
        "bad-rows" => "done, with bad rows",
        "uploaded" => "waits for its mapping",
        "checked" => "waits to be applied",
        "refused" => "file refused",
        "queued" => "in the queue",
        _ => state,
    };

    /// <summary>What a code means, for headings.</summary>
    public static string Problem(string code) => code.Replace('_', ' ');

    public static string Taken(string kind) => kind switch { "customers" => "customers", "history" => "impressions", _ => "events" };

    public static string Role(string role) => role switch
    {
        "key" => "Key: names the customer",
        "feature" => "Feature",
        "protected" => "Protected attribute",
        "proxy" => "Proxy of a protected one",
        "arm" => "Arm of another experiment",
        "ignore" => "Leave out",
        "time" => "Time",
        "amount" => "Amount",
        "targeted" => "Targeted (0 or 1)",
        "event" => "Event's own id",
        "event-kind" => "Kind of event",
        "campaign" => "Campaign",
        "wave" => "Day of the wave",
        "stage" => "Stage of the funnel",
        "consent" => "Consent",
        "consent-time" => "Time of a consent",
        "consent-source" => "Source of a consent",
        _ when role.StartsWith("identifier:", StringComparison.Ordinal) => "Identifier: " + role[11..].Replace('-', ' '),
        _ when role.StartsWith("label:", StringComparison.Ordinal) => "Label: " + role[6..],
        _ => role,
    };

    /// <summary>The roles that a column of such a file may have; consents are told apart by their purpose and channel.</summary>
    public static IReadOnlyList<string> RolesOf(string kind, IReadOnlyList<string> funnel) => kind switch
    {
        "customers" =>
        [
            "key", "feature", "protected", "proxy", "arm", "identifier:email", "identifier:phone", "identifier:first-name", "identifier:last-name",
            "identifier:country", "identifier:zip", "identifier:maid", "consent", "consent-time", "consent-source", "ignore",
        ],
        "history" => ["key", "time", .. funnel.Select(stage => $"label:{stage}"), "amount", "targeted", "feature", "protected", "proxy", "arm", "ignore"],
        _ => ["event", "event-kind", "key", "campaign", "wave", "stage", "time", "amount", "ignore"],
    };

    /// <summary>Nothing of a bad row that may name a person, where the reader's role shows campaigns only.</summary>
    public static ShownProblem WithoutValue(ShownProblem problem) => problem with { Value = null, Message = Problem(problem.Code) };

    [GeneratedRegex(@" \((--[a-z-]+|key row-number)\)")]
    private static partial Regex Bracketed();

    [GeneratedRegex(@"--([a-z-]+)")]
    private static partial Regex Option();
}
