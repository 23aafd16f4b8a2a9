using System.Text;
using System.Text.Json;

namespace Pimm.Core.Erasing;

/// <summary>By what a person is found in texts and files. Held in the open in memory only; sealed while it waits.</summary>
/// <param name="Keys">references of the source systems</param>
/// <param name="Emails">canonical</param>
/// <param name="Phones">E.164</param>
/// <param name="Others">device ids</param>
/// <param name="Names">first and last names: looked for only where rows of files are quoted</param>
public sealed record PersonTraces(
    IReadOnlyList<string> Keys, IReadOnlyList<string> Emails, IReadOnlyList<string> Phones, IReadOnlyList<string> Others, IReadOnlyList<string> Names)
{
    private const string BetweenDigits = @"[ ().\/-]*";

    /// <summary>Digits of a phone number that stay the same however it is written: without its country's code or a leading zero.</summary>
    private const int SteadyDigits = 8;

    /// <summary>Shorter keys, and those of digits alone, also stand for other things: they are looked for in quotes.</summary>
    private const int TellingLength = 6;

    private const int TellingName = 3;

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this);

    public static PersonTraces FromBytes(byte[] bytes) => JsonSerializer.Deserialize<PersonTraces>(bytes)!;

    /// <summary>A regular expression that PostgreSQL and .NET read alike, case ignored; null: there is nothing to look for.</summary>
    /// <param name="names">the names too</param>
    public string? Pattern(bool names = false)
    {
        var parts = Keys.Select(OfKey).Concat(Emails.Select(OfEmail)).Concat(Others.Select(Whole)).Concat(Phones.Select(OfPhone))
            .Concat(names ? Names.Where(name => name.Length >= TellingName).Select(Whole) : []).ToList();
        return parts.Count == 0 ? null : $"(?:{string.Join('|', parts)})";
    }

    /// <summary>For files, by .NET: a key that also stands for other things counts where it is a whole field.</summary>
    public string? FieldPattern() => Keys.Count + Emails.Count + Others.Count + Phones.Count == 0 ? null
        : $"(?:{string.Join('|', Keys.Select(OfField).Concat(Others.Select(Whole)).Concat(Emails.Select(OfEmail)).Concat(Phones.Select(OfPhone)))})";

    private static bool IsTelling(string key) => key.Length >= TellingLength && !key.All(char.IsAsciiDigit);

    // The quotes stay where they are.
    private static string OfKey(string key) => IsTelling(key) ? Whole(key) : $"""(?<=['"«„“]){Escaped(key)}(?=['"»“”])""";

    private static string OfField(string key) => IsTelling(key) ? Whole(key) : $"""(?<![^,;\t|\r\n"']){Escaped(key)}(?![^,;\t|\r\n"'])""";

    private static string Whole(string text) => $"(?<![A-Za-z0-9_-]){Escaped(text)}(?![A-Za-z0-9_-])";

    // anna@… is not eva.anna@…, but "…anna@example.com." ends a sentence.
    private static string OfEmail(string email) => $@"(?<![A-Za-z0-9][.+]){Whole(email)}";

    private static string OfPhone(string phone)
    {
        var digits = phone.Where(char.IsAsciiDigit).ToArray();
        var steady = digits.Length > SteadyDigits ? digits[^SteadyDigits..] : digits;
        return $@"(?<![0-9])[+(]?[0-9]{{0,7}}[ ().\/-]*(?:[0-9]{{1,5}}[ ().\/-]*)?{string.Join(BetweenDigits, steady)}(?![0-9])";
    }

    private static string Escaped(string text)
    {
        var escaped = new StringBuilder();
        foreach (var letter in text)
        {
            if (letter < 128 && !char.IsAsciiLetterOrDigit(letter))
                escaped.Append('\\');
            escaped.Append(letter);
        }
        return escaped.ToString();
    }
}
