using System.Globalization;

namespace Pimm.Core.Importing;

/// <summary>One row of a file that cannot be used, as data: a stage may put it aside and go on.</summary>
/// <param name="Line">physical line, from 1, on which the row (or the opening quote) begins</param>
/// <param name="Column">the column's name, null where the whole row is meant</param>
/// <param name="Code">stable word for filters: one of <see cref="ImportCode"/></param>
/// <param name="Message">what is wrong, the bound, what to do; without file and line</param>
public sealed record ImportProblem(long Line, string? Column, string Code, string Message)
{
    /// <summary>The value as a person may see it, masked; null where none is to be shown.</summary>
    public string? Value { get; init; }

    /// <summary>The row as it stands in the file, line end included; null where it is not kept.</summary>
    public byte[]? Raw { get; init; }

    /// <summary>Whose row it is, where the key could be read: an erasure finds it by this.</summary>
    public Guid? Customer { get; init; }

    /// <summary>The row was taken in, without this value.</summary>
    public bool IsWarning { get; init; }

    /// <summary>The sentence for a person: file, line, column, message.</summary>
    public string In(string file) => Column is null
        ? string.Create(CultureInfo.InvariantCulture, $"{file}, line {Line}: {Message}")
        : string.Create(CultureInfo.InvariantCulture, $"{file}, line {Line}, column '{Column}': {Message}");

    public InputException AsException(string file) => new(In(file)) { Code = Code };
}
