using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Pimm.Core.Identifying;

/// <summary>
/// The one form of an identifier that is stored, indexed and suppressed; channels make theirs of it. Null is never a person: an empty
/// or unusable value is left out, never hashed.
/// </summary>
public static partial class Canonical
{
    public const int LongestEmail = 254;
    private const int LongestLocalPart = 64;
    private const int LongestName = 100;

    /// <summary>The form of one kind; null when the value cannot be used.</summary>
    /// <param name="defaultCountry">ISO 3166-1 alpha-2, of phones that are written without their country's code; null: such phones are refused</param>
    public static string? Of(IdentifierKind kind, string value, string? defaultCountry = null) => kind switch
    {
        IdentifierKind.Email => Email(value),
        IdentifierKind.Phone => Phone(value, defaultCountry),
        IdentifierKind.FirstName or IdentifierKind.LastName => Name(value),
        IdentifierKind.Country => Country(value),
        IdentifierKind.Zip => Zip(value),
        IdentifierKind.Maid => Maid(value),
        _ => null,
    };

    /// <summary>Trimmed, NFC, lower case; dots and "+tag" stay, since most mail systems tell them apart.</summary>
    public static string? Email(string value)
    {
        var email = value.Trim().Normalize(NormalizationForm.FormC).ToLowerInvariant();
        var at = email.IndexOf('@', StringComparison.Ordinal);
        return email.Length <= LongestEmail && at is > 0 and <= LongestLocalPart && Mailbox().IsMatch(email) ? email : null;
    }

    /// <summary>E.164 with its plus sign. Numbers without a country's code are read as <paramref name="defaultCountry"/>'s.</summary>
    public static string? Phone(string value, string? defaultCountry = null) => PhoneNumbers.Canonical(value, defaultCountry);

    /// <summary>Whether phones can be read as this country's.</summary>
    public static bool HasPhones(string country) => PhoneNumbers.Knows(country);

    /// <summary>As people write it: trimmed, NFC, single spaces.</summary>
    public static string? Name(string value)
    {
        var name = Spaces().Replace(value.Trim().Normalize(NormalizationForm.FormC), " ");
        return name.Length is > 0 and <= LongestName && name.Any(char.IsLetter) && !LooksHashed(name) && !name.Any(char.IsControl) ? name : null;
    }

    public static string? Country(string value)
    {
        var country = value.Trim().ToUpperInvariant();
        return country.Length == 2 && country.All(char.IsAsciiLetterUpper) ? country : null;
    }

    public static string? Zip(string value)
    {
        var zip = Spaces().Replace(value.Trim(), " ").ToUpperInvariant();
        return ZipCode().IsMatch(zip) ? zip : null;
    }

    /// <summary>A UUID with its hyphens, lower case; the all-zero id of devices that share none is no id.</summary>
    public static string? Maid(string value) =>
        Guid.TryParseExact(value.Trim(), "D", out var id) && id != Guid.Empty ? id.ToString("D", CultureInfo.InvariantCulture) : null;

    /// <summary>64 hexadecimal digits: somebody has hashed the value already, and hashing it again would match nobody.</summary>
    public static bool LooksHashed(string value) => Sha256().IsMatch(value.Trim());

    // What mail systems deliver to, not all that RFC 5322 can spell: no quotes, comments or addresses without a domain.
    [GeneratedRegex(@"^(?!\.)(?!.*\.\.)[^\s@,;:<>()\[\]\\""\p{C}]+(?<!\.)@(?!-)(?:[\p{L}\p{M}\p{Nd}](?:[\p{L}\p{M}\p{Nd}-]{0,61}[\p{L}\p{M}\p{Nd}])?\.)+(?:xn--[a-z0-9-]{2,59}|[\p{L}\p{M}]{2,63})\z", RegexOptions.CultureInvariant)]
    private static partial Regex Mailbox();

    [GeneratedRegex(@"\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Spaces();

    [GeneratedRegex(@"^[A-Z0-9](?:[A-Z0-9 -]{0,10}[A-Z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex ZipCode();

    [GeneratedRegex(@"^[0-9A-Fa-f]{64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Sha256();
}
