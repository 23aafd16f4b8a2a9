using System.Text;

namespace Pimm.Core.Importing;

/// <summary>A label's places in a file: it is 1 where any of them says so.</summary>
/// <param name="Ones">the values that mean 1; null: the field is 0 or 1</param>
internal sealed record LabelPlace(int Place, string Column, byte[][]? Ones);

/// <summary>Where an audience's attributes, keys, times and labels stand in one file.</summary>
internal sealed record MappedColumns
{
    /// <summary>Null: rows are numbered.</summary>
    public int? Key { get; init; }

    public string KeyColumn { get; init; } = "";

    /// <summary>By attribute; -1 where a file that is merged does not have it.</summary>
    public int[] Attributes { get; init; } = [];

    /// <summary>By attribute: the file's own name, for the sentences.</summary>
    public string[] Names { get; init; } = [];

    public int? Time { get; init; }

    public string TimeColumn { get; init; } = HistoryRows.TimeColumn;

    /// <summary>Of every row, where the file has no time.</summary>
    public DateTimeOffset? ConstantTime { get; init; }

    public InstantReader Instants { get; init; } = new();

    /// <summary>By stage of the funnel.</summary>
    public LabelPlace[][] Labels { get; init; } = [];

    public int? Amount { get; init; }

    public string AmountColumn { get; init; } = HistoryRows.AmountColumn;

    public int? Targeted { get; init; }

    /// <summary>Columns that the mapping says nothing of.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <param name="mapping">null: columns go by the audience's own names</param>
    /// <exception cref="InputException">a column is missing</exception>
    public static MappedColumns Of(Audience audience, ColumnNames names, ImportMapping? mapping, bool isHistory) =>
        mapping is null ? ByName(audience, names, isHistory) : ByRole(audience, names, mapping, isHistory);

    /// <summary>Columns of a file that a mapping says nothing of: they are left out.</summary>
    public static IReadOnlyList<string> Unmapped(ColumnNames names, ImportMapping mapping) =>
        [.. names.All.Except(mapping.Columns.Select(column => column.Column)).Where(name => !ProblemColumns.All.Contains(name))];

    private static MappedColumns ByName(Audience audience, ColumnNames names, bool isHistory)
    {
        int? Optional(string name) => isHistory && names.Contains(name) ? names.PlaceOf(name) : null;
        return new MappedColumns
        {
            Key = names.PlaceOf(audience.KeyColumn), KeyColumn = audience.KeyColumn,
            Attributes = [.. audience.Attributes.Select(a => names.PlaceOf(a.Name))], Names = [.. audience.Attributes.Select(a => a.Name)],
            Time = isHistory ? names.PlaceOf(HistoryRows.TimeColumn) : null,
            Labels = isHistory ? [.. audience.Funnel.Select(stage => new[] { new LabelPlace(names.PlaceOf(stage), stage, null) })] : [],
            Amount = Optional(HistoryRows.AmountColumn), Targeted = Optional(HistoryRows.TargetedColumn),
        };
    }

    private static MappedColumns ByRole(Audience audience, ColumnNames names, ImportMapping mapping, bool isHistory)
    {
        mapping.Validate(isHistory ? "history" : "customers");
        foreach (var column in mapping.Columns)
        {
            names.PlaceOf(column.Column);
        }
        ColumnMapping? One(RoleKind kind) => mapping.Of(kind).FirstOrDefault();
        int? Place(ColumnMapping? column) => column is null ? null : names.PlaceOf(column.Column);
        var attributes = audience.Attributes.Select(attribute => AttributeOf(audience, attribute, mapping)).ToList();
        var (key, time, amount) = (One(RoleKind.Key), One(RoleKind.Time), One(RoleKind.Amount));
        RefuseStrangers(audience, mapping);
        return new MappedColumns
        {
            Key = mapping.KeysAreRows ? null : Place(key), KeyColumn = key?.Column ?? "row number",
            Attributes = [.. attributes.Select(column => Place(column) ?? -1)], Names = [.. attributes.Select(column => column?.Column ?? "")],
            Time = Place(time), TimeColumn = time?.Column ?? HistoryRows.TimeColumn, ConstantTime = ConstantOf(mapping, time, isHistory, names),
            Instants = mapping.Instants(),
            Labels = isHistory ? [.. audience.Funnel.Select(stage => LabelsOf(stage, names, mapping))] : [],
            Amount = Place(amount), AmountColumn = amount?.Column ?? HistoryRows.AmountColumn, Targeted = Place(One(RoleKind.Targeted)), LeftOut = Unmapped(names, mapping),
        };
    }

    private static ColumnMapping? AttributeOf(Audience audience, AudienceColumn attribute, ImportMapping mapping)
    {
        var column = mapping.Columns.FirstOrDefault(column => column.ParsedRole.IsAttribute && column.Target == attribute.Name);
        return column is not null || mapping.Merges ? column
            : throw Refused(ImportCode.MissingColumn, $"No column is mapped to the attribute '{attribute.Name}' of the audience \"{audience.Name}\": map one, or choose the mode merge to leave it as it is.");
    }

    // An attribute is a column of a table that is there already: a new one is never made silently.
    private static void RefuseStrangers(Audience audience, ImportMapping mapping)
    {
        if (mapping.Columns.FirstOrDefault(column => column.ParsedRole.IsAttribute && audience.Attributes.All(a => a.Name != column.Target)) is { } stranger)
        {
            throw Refused(ImportCode.BadMapping, $"The audience \"{audience.Name}\" has no attribute '{stranger.Target}', to which '{stranger.Column}' is mapped: name one of {string.Join(", ", audience.Attributes.Select(a => a.Name))}, or ignore the column.");
        }
        if (mapping.Of(RoleKind.Label).FirstOrDefault(label => !audience.Funnel.Contains(label.ParsedRole.Detail)) is { } label)
        {
            throw Refused(ImportCode.BadMapping, $"'{label.ParsedRole.Detail}', to which '{label.Column}' is mapped, is no stage of the funnel {string.Join(" > ", audience.Funnel)}.");
        }
    }

    private static DateTimeOffset? ConstantOf(ImportMapping mapping, ColumnMapping? time, bool isHistory, ColumnNames names)
    {
        if (time is null && mapping.Time is { } text && InstantText.TryParse(Encoding.UTF8.GetBytes(text), out var instant))
        {
            return instant;
        }
        return time is not null || !isHistory ? null
            : throw Refused(ImportCode.MissingColumn, $"No column has the role time and the mapping gives no time for all rows: impressions need one; the columns are {names.Listed()}.");
    }

    private static LabelPlace[] LabelsOf(string stage, ColumnNames names, ImportMapping mapping)
    {
        LabelPlace[] places =
        [
            .. mapping.Of(RoleKind.Label).Where(column => column.ParsedRole.Detail == stage)
                .Select(column => new LabelPlace(names.PlaceOf(column.Column), column.Column, column.Ones is null ? null : [.. column.Ones.Select(Encoding.UTF8.GetBytes)])),
        ];
        return places.Length > 0 ? places
            : throw Refused(ImportCode.MissingColumn, $"No column has the role label:{stage}: every stage of the audience's funnel needs one.");
    }

    private static InputException Refused(string code, string sentence) => new(sentence) { Code = code };
}
