using System.Globalization;

namespace Pimm.Core.Importing;

/// <summary>One row of a file that cannot be used, as data: a stage may put it aside and go on.</summary>
/// <param name="Line">physical line, from 1, on which the row (or the opening quote) begins</param>
/// <param name="Column">the column's name, null where the whole row is meant</param>
/// <param name="Code">stable word for filters: see the constants</param>
/// <param name="Message">what is wrong, the bound, what to do; without file and line</param>
public sealed record ImportProblem(long Line, string? Column, string Code, string Message)
{
    public const string TooFewFields = "too_few_fields";
    public const string TooManyFields = "too_many_fields";
    public const string UnbalancedQuote = "unbalanced_quote";
    public const string NulByte = "nul_byte";
    public const string InvalidUtf8 = "invalid_utf8";
    public const string FieldTooLong = "field_too_long";
    public const string LineTooLong = "line_too_long";
    public const string BadLabel = "bad_label";
    public const string BadNumber = "bad_number";
    public const string BadTime = "bad_time";
    public const string MissingCustomer = "missing_customer";

    /// <summary>The sentence for a person: file, line, column, message.</summary>
    public string In(string file) => Column is null
        ? string.Create(CultureInfo.InvariantCulture, $"{file}, line {Line}: {Message}")
        : string.Create(CultureInfo.InvariantCulture, $"{file}, line {Line}, column '{Column}': {Message}");

    public InputException AsException(string file) => new(In(file));
}
