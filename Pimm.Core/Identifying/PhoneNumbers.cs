using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Pimm.Core.Identifying;

/// <summary>How numbers of one country are written.</summary>
/// <param name="Trunk">dialled before a number inside the country, empty where nothing is</param>
/// <param name="International">dialled before another country's code, empty where it depends on the carrier</param>
/// <param name="Lengths">digits after the country's code that a person's number may have</param>
/// <param name="FirstDigits">those that such a number may begin with</param>
internal sealed record PhonePlan(string Country, string Code, string Trunk, string International, IReadOnlySet<int> Lengths, string FirstDigits)
{
    public bool Has(ReadOnlySpan<char> number) =>
        number.Length > 0 && Lengths.Contains(number.Length) && FirstDigits.Contains(number[0], StringComparison.Ordinal);

    /// <summary>The number as it follows the country's code: without the trunk prefix, where it is one. Null: no number of this country.</summary>
    public string? National(string digits) =>
        Trunk.Length > 0 && digits.StartsWith(Trunk, StringComparison.Ordinal) && Has(digits.AsSpan(Trunk.Length)) ? digits[Trunk.Length..]
        : Has(digits) ? digits : null;
}

/// <summary>
/// Phone numbers as E.164, by length and first digit: fixed and mobile numbers of 245 countries and territories after the metadata of
/// Google's libphonenumber (as packed in libphonenumber-js 1.13.16, 2026). Codes of carriers, extensions, letters and numbers of a
/// country that nobody names are refused, not guessed.
/// </summary>
internal static class PhoneNumbers
{
    private const int MostDigits = 15;
    private const int LongestText = 40;
    private const string Between = " \u00A0\u2007\u202F\t-\u2010\u2011\u2012\u2013.()/";

    private static readonly IReadOnlyList<PhonePlan> Plans = ReadPlans();

    private static readonly FrozenDictionary<string, PhonePlan> ByCountry = Plans.ToFrozenDictionary(plan => plan.Country, StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, PhonePlan[]> ByCode =
        Plans.GroupBy(plan => plan.Code).ToFrozenDictionary(plans => plans.Key, plans => plans.ToArray(), StringComparer.Ordinal);

    public static bool Knows(string country) => ByCountry.ContainsKey(country);

    public static string? Canonical(string value, string? defaultCountry)
    {
        if (Digits(value.Trim()) is not { } read)
            return null;
        if (read.International)
            return International(read.Digits);
        if (defaultCountry is null || !ByCountry.TryGetValue(defaultCountry, out var plan))
            return null;
        return plan.International.Length > 0 && read.Digits.StartsWith(plan.International, StringComparison.Ordinal)
               && International(read.Digits[plan.International.Length..]) is { } abroad
            ? abroad
            : Written(plan.Code, plan.National(read.Digits));
    }

    // No code is the beginning of another.
    private static string? International(string digits)
    {
        for (var length = 1; length <= 3 && length < digits.Length; length++)
        {
            if (ByCode.TryGetValue(digits[..length], out var plans))
                return Written(digits[..length], plans.Select(plan => plan.National(digits[length..])).FirstOrDefault(number => number is not null));
        }
        return null;
    }

    private static string? Written(string code, string? national) =>
        national is not null && code.Length + national.Length <= MostDigits ? $"+{code}{national}" : null;

    private static (string Digits, bool International)? Digits(string value)
    {
        if (value.Length is 0 or > LongestText)
            return null;
        var digits = new StringBuilder(value.Length);
        var international = value[0] is '+' or '\uFF0B';
        foreach (var letter in international ? value.AsSpan(1) : value)
        {
            // Digits of other scripts, too.
            if (CharUnicodeInfo.GetDecimalDigitValue(letter) is >= 0 and var digit)
                digits.Append((char)('0' + digit));
            else if (!Between.Contains(letter, StringComparison.Ordinal))
                return null;
        }
        return (digits.ToString(), international);
    }

    private static List<PhonePlan> ReadPlans()
    {
        using var reader = new StreamReader(typeof(PhoneNumbers).Assembly.GetManifestResourceStream("Pimm.Core.Identifying.phone_plans.csv")!);
        _ = reader.ReadLine();
        var plans = new List<PhonePlan>();
        while (reader.ReadLine() is { } line)
        {
            var fields = line.Split(',');
            plans.Add(new PhonePlan(fields[0], fields[1], fields[2], fields[3],
                fields[4].Split(' ').Select(length => int.Parse(length, CultureInfo.InvariantCulture)).ToHashSet(), fields[5]));
        }
        return plans;
    }
}
