using System.Text.RegularExpressions;
using Microsoft.Extensions.Localization;
using Pimm.Core.Importing;

namespace Pimm.Web.Importing;

/// <summary>Terms of an import as its pages say them, where the command line and the files have short words.</summary>
public static partial class ImportTerms
{
    private const string RowNumber = "choose the key row-number";

    /// <summary>A sentence that names an option of the command line names the page's field instead.</summary>
    public static string OfPage(string sentence, IStringLocalizer<ImportingWords> L) =>
        Option().Replace(Bracketed().Replace(sentence, "").Replace(RowNumber, L["count each row as a customer of its own"], StringComparison.Ordinal), found => found.Groups[1].Value switch
        {
            "date-order" => $"“{L["Date order"]}”",
            "zone" => $"“{L["Time zone of times without one"]}”",
            "order" => $"“{L["Labels out of order"]}”",
            "delimiter" => $"“{L["Fields are divided by"]}”",
            "accept-bad-share" => L["the word to leave the bad rows out"],
            _ => found.Value,
        });

    public static string Kind(string kind, IStringLocalizer<ImportingWords> L) => kind switch { "customers" => L["customers"], "history" => L["history"], "outcomes" => L["outcomes"], _ => kind };

    /// <summary>What a file brings, and for which audience.</summary>
    public static string Whose(string kind, string audience, IStringLocalizer<ImportingWords> L) => kind switch
    {
        "customers" => L["customers of {0}", audience],
        "history" => L["history of {0}", audience],
        "outcomes" => L["outcomes of {0}", audience],
        _ => $"{kind} · {audience}",
    };

    /// <summary>What a code means, for headings.</summary>
    public static string Problem(string code, IStringLocalizer<ImportingWords> L) => code switch
    {
        ImportCode.TooFewFields => L["too few fields"],
        ImportCode.TooManyFields => L["too many fields"],
        ImportCode.UnbalancedQuote => L["unbalanced quote"],
        ImportCode.NulByte => L["nul byte"],
        ImportCode.InvalidUtf8 => L["invalid utf8"],
        ImportCode.FieldTooLong => L["field too long"],
        ImportCode.LineTooLong => L["line too long"],
        ImportCode.BadKey => L["bad key"],
        ImportCode.ScientificKey => L["id scientific"],
        ImportCode.DuplicateKey => L["duplicate key"],
        ImportCode.BadLabel => L["bad label"],
        ImportCode.FunnelOrder => L["funnel order"],
        ImportCode.BadNumber => L["bad number"],
        ImportCode.BadTime => L["bad time"],
        ImportCode.AmbiguousDate => L["ambiguous date"],
        ImportCode.TimeInGap => L["time in gap"],
        ImportCode.MissingCustomer => L["missing customer"],
        ImportCode.UnknownCustomer => L["unknown customer"],
        ImportCode.UnknownImpression => L["unknown impression"],
        ImportCode.BadEvent => L["bad event"],
        ImportCode.BadKind => L["bad kind"],
        ImportCode.BadCampaign => L["bad campaign"],
        ImportCode.BadWave => L["bad wave"],
        ImportCode.BadStage => L["bad stage"],
        ImportCode.BadEmail => L["bad email"],
        ImportCode.BadPhone => L["bad phone"],
        ImportCode.BadIdentifier => L["bad identifier"],
        ImportCode.BadConsent => L["bad consent"],
        ImportCode.FutureTime => L["future time"],
        _ => code.Replace('_', ' '),
    };

    public static string Role(string role, IStringLocalizer<ImportingWords> L) => role switch
    {
        "key" => L["Key: names the customer"],
        "feature" => L["Feature"],
        "protected" => L["Protected attribute"],
        "proxy" => L["Proxy of a protected one"],
        "arm" => L["Arm of another experiment"],
        "ignore" => L["Leave out"],
        "time" => L["Time"],
        "amount" => L["Amount"],
        "targeted" => L["Targeted (0 or 1)"],
        "event" => L["Event's own id"],
        "event-kind" => L["Kind of event"],
        "campaign" => L["Campaign"],
        "wave" => L["Day of the wave"],
        "stage" => L["Stage of the funnel"],
        "consent" => L["Consent"],
        "consent-time" => L["Time of a consent"],
        "consent-source" => L["Source of a consent"],
        "identifier:email" => L["Identifier: email"],
        "identifier:phone" => L["Identifier: phone"],
        "identifier:first-name" => L["Identifier: first name"],
        "identifier:last-name" => L["Identifier: last name"],
        "identifier:country" => L["Identifier: country"],
        "identifier:zip" => L["Identifier: zip"],
        "identifier:maid" => L["Identifier: maid"],
        _ when role.StartsWith("label:", StringComparison.Ordinal) => L["Label: {0}", role[6..]],
        _ => role,
    };

    /// <summary>Nothing of a bad row that may name a person, where the reader's role shows campaigns only.</summary>
    public static ShownProblem WithoutValue(ShownProblem problem, IStringLocalizer<ImportingWords> L) => problem with { Value = null, Message = Problem(problem.Code, L) };

    [GeneratedRegex(@" \((--[a-z-]+|key row-number)\)")]
    private static partial Regex Bracketed();

    [GeneratedRegex(@"--([a-z-]+)")]
    private static partial Regex Option();
}
