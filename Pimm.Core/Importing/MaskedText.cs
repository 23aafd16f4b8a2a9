using System.Buffers;
using System.Globalization;
using System.Text;

namespace Pimm.Core.Importing;

/// <summary>Values of files as messages, samples and logs may show them: whatever could name a person is masked.</summary>
public static class MaskedText
{
    private const int Longest = 40;

    /// <summary>Fewer than a phone number, a birthday or an account has.</summary>
    private const int ShownDigits = 6;

    private static readonly SearchValues<char> NumberLetters = SearchValues.Create("0123456789.,-+/: %");

    public static string Of(ReadOnlySpan<byte> field) => Of(Encoding.UTF8.GetString(field));

    /// <summary>
    /// An address as j•••@e•••.com, a number of at most six digits as it stands, a longer one or a date with its digits as 9,
    /// anything else as its first letter and its length. A name in a column of numbers is no message's business.
    /// </summary>
    public static string Of(string value)
    {
        if (value.Contains('@', StringComparison.Ordinal))
        {
            return Address(value);
        }
        if (LooksLikePhone(value))
        {
            return $"{value[..Math.Min(3, value.Length)]}•••••{value[^2..]}";
        }
        if (value.Length <= Longest && !value.AsSpan().ContainsAnyExcept(NumberLetters))
        {
            return value.Count(char.IsAsciiDigit) <= ShownDigits ? value : string.Concat(value.Select(letter => char.IsAsciiDigit(letter) ? '9' : letter));
        }
        return value.Length == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{Hidden(value)} ({value.Length} {(value.Length == 1 ? "letter" : "letters")})");
    }

    /// <summary>For a sample that a person looks at once: addresses and phone numbers masked, anything else as it stands, at most 40 letters of it.</summary>
    public static string InSample(string value)
    {
        if (value.Contains('@', StringComparison.Ordinal) || LooksLikePhone(value))
        {
            return Of(value);
        }
        var shown = value.Length <= Longest ? value : string.Concat(value.AsSpan(0, Longest), "…");
        return shown.Any(char.IsControl) ? string.Concat(shown.Select(letter => char.IsControl(letter) ? '·' : letter)) : shown;
    }

    /// <summary>For columns that hold names, addresses and the like: the first letter alone.</summary>
    public static string Hidden(string value) => value.Length == 0 ? "" : $"{First(value, 0)}•••";

    public static bool LooksLikeEmail(string value) =>
        value.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && value.LastIndexOf('.') > at + 1;

    /// <summary>A + or a 0 and at least seven digits more, with nothing else but what people write between digits.</summary>
    public static bool LooksLikePhone(string value)
    {
        var text = value.AsSpan().Trim();
        if (text.Length < 8 || text[0] is not ('+' or '0' or '('))
        {
            return false;
        }
        var digits = 0;
        foreach (var letter in text)
        {
            if (char.IsAsciiDigit(letter))
            {
                digits++;
            }
            else if (letter is not ('+' or '(' or ')' or ' ' or '-' or '/' or '.'))
            {
                return false;
            }
        }
        return digits is >= 8 and <= 16 && !text.Contains('.') || digits is >= 8 and <= 16 && text[0] == '+';
    }

    private static string Address(string value)
    {
        var (at, dot) = (value.IndexOf('@', StringComparison.Ordinal), value.LastIndexOf('.'));
        return $"{First(value, 0)}•••@{First(value, at + 1)}•••{(dot > at && value.Length - dot <= 10 ? value[dot..] : "")}";
    }

    private static string First(string value, int place) =>
        place < value.Length ? (char.IsSurrogate(value[place]) || char.IsControl(value[place]) ? "?" : value[place].ToString()) : "";
}
