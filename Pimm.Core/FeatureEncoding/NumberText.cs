using System.Globalization;

namespace Pimm.Core.FeatureEncoding;

/// <summary>Numbers in files: invariant form ("-1234.5", "1e3"), finite.</summary>
public static class NumberText
{
    private static readonly double[] PowersOfTen = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

    /// <summary>Blank, or one of the words that programs write for a missing number: NA, N/A, NaN, NULL, None, \N, ?, -.</summary>
    public static bool IsMissing(ReadOnlySpan<byte> text)
    {
        text = text.Trim(" \t"u8);
        return text.Length <= 4 && text.Length switch
        {
            0 => true,
            1 => text[0] is (byte)'?' or (byte)'-',
            2 => EqualsWord(text, "NA"u8) || text.SequenceEqual("\\N"u8),
            3 => EqualsWord(text, "NAN"u8) || EqualsWord(text, "N/A"u8),
            _ => EqualsWord(text, "NULL"u8) || EqualsWord(text, "NONE"u8),
        };
    }

    /// <summary>Reads a finite number; blanks around it are allowed.</summary>
    /// <returns>false for anything else, NaN and infinities included</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out double number) =>
        TryParseShort(text, out number)
        || (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number));

    /// <summary>The shortest text that reads back as the same number, in the invariant form; at most 32 bytes.</summary>
    public static ReadOnlySpan<byte> Format(double number, Span<byte> buffer)
    {
        // −0 and 0 are one category.
        (number + 0.0).TryFormat(buffer, out var length, default, CultureInfo.InvariantCulture);
        return buffer[..length];
    }

    /// <summary>
    /// Up to 15 digits with an optional point: both the digits and the power of ten are exact doubles, so one division
    /// rounds correctly (Clinger 1990).
    /// </summary>
    private static bool TryParseShort(ReadOnlySpan<byte> text, out double number)
    {
        number = 0;
        var place = text.Length > 0 && text[0] == (byte)'-' ? 1 : 0;
        var negative = place == 1;
        if (text.Length - place is 0 or > 16)
        {
            return false;
        }

        var (digits, count, point) = (0L, 0, -1);
        for (; place < text.Length; place++)
        {
            if (char.IsAsciiDigit((char)text[place]))
            {
                digits = (digits * 10) + (text[place] - (byte)'0');
                count++;
            }
            else if (text[place] == (byte)'.' && point < 0)
            {
                point = count;
            }
            else
            {
                return false;
            }
        }

        if (count is 0 or > 15)
        {
            return false;
        }

        number = (negative ? -digits : digits) / PowersOfTen[point < 0 ? 0 : count - point];
        return true;
    }

    private static bool EqualsWord(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) => System.Text.Ascii.EqualsIgnoreCase(text, word);
}
