namespace Pimm.Core.Importing;

/// <summary>Columns that a file of bad rows carries behind its own: read again, they are left out.</summary>
internal static class ProblemColumns
{
    public const string Line = "pimm_error_line";
    public const string Code = "pimm_error_code";
    public const string Column = "pimm_error_column";
    public const string Value = "pimm_error_value";
    public const string Message = "pimm_error_message";
    public const string Remedy = "pimm_error_remedy";

    public static IReadOnlyList<string> All { get; } = [Line, Code, Column, Value, Message, Remedy];
}
