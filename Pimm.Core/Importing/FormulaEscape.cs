namespace Pimm.Core.Importing;

/// <summary>
/// Cells of files that people open in a spreadsheet: what would be taken for a formula becomes text. Never for channel files, where
/// it would break "+18005550100".
/// </summary>
public static class FormulaEscape
{
    // As OWASP lists them, and their full-width forms, which spreadsheets read alike.
    private const string Openers = "=+-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20";

    /// <summary>The cell with an apostrophe before what begins like a formula. Plain negative numbers stay numbers.</summary>
    public static string Of(string cell) =>
        cell.AsSpan().TrimStart(' ') is { Length: > 0 } text && Openers.Contains(text[0], StringComparison.Ordinal) && !IsNumber(cell) ? $"'{cell}" : cell;

    private static bool IsNumber(string cell) => cell.Length > 1 && cell[0] == '-' && char.IsAsciiDigit(cell[1])
        && double.TryParse(cell, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out _);
}
