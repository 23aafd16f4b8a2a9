using System.Globalization;
using System.Text;

namespace Pimm.Core.Auditing;

/// <summary>Text of others in lines of ours: nobody's name begins a line, turns one around or is a formula.</summary>
public static class AuditText
{
    // Also in full width, which some spreadsheets read as the same.
    private const string Formulas = "=+-@＝＋－＠";

    /// <summary>Control, direction and line characters as \uXXXX, so that what is one line stays one.</summary>
    public static string OneLine(string text)
    {
        if (!text.Any(IsUnseen))
            return text;
        var line = new StringBuilder();
        foreach (var character in text)
        {
            if (IsUnseen(character))
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else
                line.Append(character);
        }
        return line.ToString();
    }

    /// <summary>A field of a CSV file for a person: quoted where needed, a formula disarmed by an apostrophe.</summary>
    public static string CsvField(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return "";
        var line = OneLine(text);
        var safe = Formulas.Contains(line.TrimStart().FirstOrDefault(), StringComparison.Ordinal) ? "'" + line : line;
        return safe.AsSpan().IndexOfAny(",;\"'") < 0 && safe.Trim() == safe ? safe : $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private static bool IsUnseen(char character) => char.IsControl(character)
        || char.GetUnicodeCategory(character) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
