using System.Text.Json;

namespace Pimm.Core.Importing;

/// <summary>Mappings that need no person: of the audience's own names, and of an import whose bad rows come again.</summary>
public sealed class MappingByName(ImportStore imports)
{
    private static readonly (string Name, string Role)[] OutcomeColumns =
    [
        ("event_id", "event"), ("kind", "event-kind"), ("customer", "key"), ("campaign", "campaign"), ("wave", "wave"), ("stage", "stage"), ("occurred_at", "time"), ("amount", "amount"),
    ];

    /// <summary>As a file without a mapping is read, so that options can be added to it.</summary>
    /// <param name="kind">customers, history or outcomes</param>
    /// <param name="names">the file's columns</param>
    public static ImportMapping Of(Audience audience, string kind, IReadOnlyList<string> names)
    {
        if (kind == "outcomes")
        {
            return new ImportMapping { Columns = [.. OutcomeColumns.Select(column => new ColumnMapping(column.Name, column.Role))] };
        }
        var columns = new List<ColumnMapping> { new(audience.KeyColumn, "key") };
        columns.AddRange(audience.Attributes.Select(attribute => new ColumnMapping(attribute.Name, attribute.Role ?? "feature", attribute.Kind)));
        if (kind == "history")
        {
            columns.Add(new ColumnMapping(HistoryRows.TimeColumn, "time"));
            columns.AddRange(audience.Funnel.Select(stage => new ColumnMapping(stage, $"label:{stage}")));
            columns.AddRange(((string[])[HistoryRows.AmountColumn, HistoryRows.TargetedColumn]).Where(names.Contains).Select(name => new ColumnMapping(name, name)));
        }
        return new ImportMapping { Columns = columns };
    }

    /// <summary>How mended bad rows of an import are read: as its file was; customers are laid over the newest version.</summary>
    /// <param name="names">columns of the mended file</param>
    /// <exception cref="InputException">no such import of this audience and kind</exception>
    public async Task<ImportMapping> OfReplayAsync(Audience audience, string kind, long importId, IReadOnlyList<string> names, CancellationToken cancellationToken = default)
    {
        var file = await imports.FindAsync(importId, cancellationToken);
        if (file is null || file.AudienceId != audience.Id || file.Kind != kind)
        {
            throw new InputException($"Import {importId} is no import of {kind} of the audience \"{audience.Name}\": give the one whose bad rows were mended.");
        }
        var mapping = Kept(file.Settings) is { } kept ? ImportMapping.FromJson(kept) : Of(audience, kind, names);
        return kind == "customers" ? mapping with { Mode = ImportMapping.Merge } : mapping;
    }

    private static string? Kept(string settings)
    {
        if (settings.Length == 0)
        {
            return null;
        }
        using var document = JsonDocument.Parse(settings);
        return document.RootElement.TryGetProperty("Mapping", out var mapping) ? mapping.GetString() : null;
    }
}
