using System.Text;
using System.Text.RegularExpressions;

namespace Pimm.Core.Exporting;

/// <summary>
/// What channels make of a canonical identifier before they hash it. Null: the value cannot be used there, and its field stays empty.
/// docs/lists.md has the pages these rules come from, with their dates.
/// </summary>
internal static partial class ChannelForms
{
    public static string? AsItIs(string value) => value;

    public static string? Lower(string value) => value.ToLowerInvariant();

    /// <summary>Gmail delivers whatever dots and "+tag" the mailbox is written with, so they go; other domains keep them.</summary>
    public static string? GoogleEmail(string email)
    {
        var at = email.IndexOf('@', StringComparison.Ordinal);
        var domain = email[at..];
        if (domain is not ("@gmail.com" or "@googlemail.com"))
            return email;
        var mailbox = email[..at].Split('+')[0].Replace(".", "", StringComparison.Ordinal);
        return mailbox.Length > 0 ? mailbox + domain : null;
    }

    public static string? GoogleFirstName(string name) => Title().Replace(name.ToLowerInvariant(), "");

    public static string? GoogleLastName(string name) => Suffix().Replace(name.ToLowerInvariant(), "");

    /// <summary>Letters of any alphabet stay, as Meta's page allows; only punctuation goes.</summary>
    public static string? MetaName(string name)
    {
        var kept = new StringBuilder(name.Length);
        foreach (var letter in name.ToLowerInvariant().EnumerateRunes())
        {
            if (!Rune.IsPunctuation(letter) && !Rune.IsSymbol(letter) && !Rune.IsControl(letter))
                kept.Append(letter);
        }
        return Spaces().Replace(kept.ToString(), " ").Trim();
    }

    /// <summary>Digits with the country's code, without the plus sign.</summary>
    public static string? MetaPhone(string phone) => phone[1..];

    /// <summary>Lower case, neither spaces nor hyphens; of nine digits of the United States the first five.</summary>
    public static string? MetaZip(string zip) =>
        ZipPlusFour().IsMatch(zip) ? zip[..5] : zip.ToLowerInvariant().Replace(" ", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);

    [GeneratedRegex(@"^(?:mr|mrs|ms|miss|dr)\.?\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Title();

    [GeneratedRegex(@",?\s+(?:jr|sr|ii|iii|iv)\.?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Suffix();

    [GeneratedRegex(@"\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Spaces();

    [GeneratedRegex(@"^\d{5}-\d{4}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ZipPlusFour();
}
