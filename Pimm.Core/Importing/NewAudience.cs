using System.Globalization;
using System.Text.Json;

namespace Pimm.Core.Importing;

/// <summary>An audience that is not there yet, as a mapping describes it, and what none can be.</summary>
public static class NewAudience
{
    public const int LongestName = 100;
    public const int MostStages = 10;

    private const int LongestStage = 63;

    public static IReadOnlyList<AudienceColumn> Columns(ImportMapping mapping) =>
    [
        .. mapping.Columns.Where(column => column.ParsedRole.IsAttribute).Select(column => new AudienceColumn(
            column.Target, column.Type ?? "text", column.ParsedRole.Kind == RoleKind.Feature ? null : column.Role.ToLowerInvariant())),
    ];

    public static string KeyColumn(ImportMapping mapping) => mapping.Of(RoleKind.Key).FirstOrDefault()?.Column ?? "row number";

    /// <summary>Not in the database.</summary>
    public static Audience Planned(string name, ImportMapping mapping, IReadOnlyList<string> funnel) => Planned(name, KeyColumn(mapping), Columns(mapping), funnel);

    public static Audience Planned(string name, string keyColumn, IReadOnlyList<AudienceColumn> columns, IReadOnlyList<string> funnel) =>
        new(0, name, keyColumn, JsonSerializer.Serialize(columns), [.. funnel], false, default);

    /// <exception cref="InputException">a name, an attribute or a stage that no audience can have, or too many or none of them</exception>
    public static void Validate(string name, IReadOnlyList<AudienceColumn> columns, IReadOnlyList<string> funnel)
    {
        Require(name.Trim().Length is > 0 and <= LongestName, $"The audience's name has {name.Trim().Length} characters: give it 1 to {LongestName}.");
        Require(columns.Count > 0, $"The new audience \"{name}\" has no attribute: give at least one column the role feature.");
        Require(columns.Count <= ColumnNames.Maximum, $"The new audience \"{name}\" has {columns.Count} attributes: leave columns out until there are at most {ColumnNames.Maximum}.");
        foreach (var column in columns)
        {
            Require(AudienceColumn.IsName(column.Name), $"The attribute name \"{column.Name}\" is not a letter followed by up to 62 letters (A to Z), digits, spaces or _ . -: name it otherwise, for example \"{AudienceColumn.NameFor(column.Name)}\".");
            Require(!AudienceColumn.IsReserved(column.Name), $"The attribute name \"{column.Name}\" is reserved: name it otherwise, for example \"{AudienceColumn.NameFor(column.Name)}\".");
            Require(!funnel.Contains(column.Name, StringComparer.Ordinal), $"\"{column.Name}\" is an attribute and a stage of the funnel: name one of them otherwise, or leave the column out.");
        }
        ValidateFunnel(funnel);
    }

    private static void ValidateFunnel(IReadOnlyList<string> funnel)
    {
        Require(funnel.Count is > 0 and <= MostStages, $"The funnel has {funnel.Count} stages: name 1 to {MostStages}, in their order.");
        Require(funnel.Distinct(StringComparer.OrdinalIgnoreCase).Count() == funnel.Count, $"The funnel {string.Join(", ", funnel)} names a stage twice: name each once.");
        var odd = funnel.FirstOrDefault(stage => stage.Length > LongestStage || stage.Length == 0 || !stage.All(letter => char.IsLetterOrDigit(letter) || letter is '_' or ' ' or '.' or '-'));
        Require(odd is null, $"The funnel's stage \"{odd}\" cannot be called so: give it 1 to {LongestStage} letters, digits, spaces or _ . -");
    }

    private static void Require(bool isSo, FormattableString sentence)
    {
        if (!isSo)
        {
            throw new InputException(sentence.ToString(CultureInfo.InvariantCulture)) { Code = ImportCode.BadMapping };
        }
    }
}
