using Microsoft.Extensions.Localization;
using Pimm.Core;
using Pimm.Core.Importing;

namespace Pimm.Web.Importing;

/// <summary>A column as a person maps it.</summary>
public sealed class MappedColumn(DetectedColumn found, IReadOnlyList<string> samples)
{
    public string Name => found.Name;

    public string FoundType => found.Type;

    public double MissingShare => found.MissingShare;

    public IReadOnlyList<string> Samples { get; } = samples;

    /// <summary>As the mapping writes it; of consents without what stands behind the colon.</summary>
    public string Role { get; set; } = "ignore";

    /// <summary>Of consents: purpose/channel.</summary>
    public string Purpose { get; set; } = "";

    public string Type { get; set; } = found.Type;

    public string Target { get; set; } = found.Name;

    /// <summary>Of labels: the values that mean 1, with commas; empty: the column holds 0 and 1.</summary>
    public string Ones { get; set; } = "";

    /// <summary>A person changed it: another look at the file leaves it.</summary>
    public bool IsChosen { get; set; }

    public bool IsAttribute => Role is "feature" or "protected" or "proxy" or "arm";

    public bool IsConsent => Role is "consent" or "consent-time" or "consent-source";

    public bool IsLabel => Role.StartsWith("label:", StringComparison.Ordinal);

    public void Take(ColumnMapping mapping)
    {
        var colon = mapping.Role.IndexOf(':', StringComparison.Ordinal);
        var isConsent = mapping.Role.StartsWith("consent", StringComparison.Ordinal) && colon > 0;
        (Role, Purpose) = isConsent ? (mapping.Role[..colon], mapping.Role[(colon + 1)..]) : (mapping.Role, "");
        (Type, Target, Ones) = (mapping.Type ?? FoundType, mapping.Target, mapping.Ones is null ? "" : string.Join(", ", mapping.Ones));
    }

    public ColumnMapping ToMapping() => IsAttribute ? new(Name, Role, Type, Target.Trim() == Name || Target.Trim().Length == 0 ? null : Target.Trim())
        : IsConsent ? new(Name, $"{Role}:{Purpose.Trim()}")
        : new(Name, Role, Ones: IsLabel && Ones.Trim().Length > 0 ? Ones.Split(',', StringSplitOptions.TrimEntries) : null);
}

/// <summary>A mapping while a person makes it: every field keeps what it was given when another one changes.</summary>
public sealed class MappingForm
{
    public IReadOnlyList<MappedColumn> Columns { get; private init; } = [];

    public string Delimiter { get; set; } = "";

    public string DateOrder { get; set; } = "";

    public string Zone { get; set; } = "";

    public string DefaultCountry { get; set; } = "";

    public string Mode { get; set; } = "replace";

    public string Duplicates { get; set; } = "quarantine";

    /// <summary>Each row is a customer of its own: only somebody who looked at the file can say so.</summary>
    public bool KeysAreRows { get; set; }

    public string Time { get; set; } = "";

    public IEnumerable<MappedColumn> LeftOut => Columns.Where(column => column.Role == "ignore" && !column.Name.StartsWith("pimm_error_", StringComparison.Ordinal));

    /// <param name="mapping">an earlier one; columns that it does not know are left out</param>
    /// <param name="before">what the person had chosen already</param>
    public static MappingForm Of(Detection found, ImportMapping mapping, bool isProposal, MappingForm? before = null)
    {
        var known = mapping.Columns.ToDictionary(column => column.Column, StringComparer.Ordinal);
        var form = new MappingForm
        {
            Columns = [.. found.Columns.Select((column, place) => new MappedColumn(column, [.. found.Sample.Select(row => row[place]).Where(value => value.Length > 0).Distinct().Take(3)]))],
            Delimiter = mapping.Delimiter?.ToString() ?? before?.Delimiter ?? "", DateOrder = mapping.DateOrder ?? before?.DateOrder ?? "", Zone = mapping.Zone ?? before?.Zone ?? "",
            DefaultCountry = mapping.DefaultCountry ?? before?.DefaultCountry ?? "", Mode = before?.Mode ?? mapping.Mode, Duplicates = before?.Duplicates ?? mapping.Duplicates,
            KeysAreRows = isProposal ? before?.KeysAreRows ?? false : mapping.KeysAreRows, Time = mapping.Time ?? before?.Time ?? "",
        };
        foreach (var column in form.Columns)
        {
            if (known.TryGetValue(column.Name, out var mapped))
            {
                column.Take(mapped);
            }
        }
        return form;
    }

    /// <summary>What a person changed stays, where a file of this kind has the role.</summary>
    public void KeepChosen(MappingForm before, IReadOnlyList<string> roles)
    {
        foreach (var column in Columns)
        {
            if (before.Columns.FirstOrDefault(earlier => earlier.Name == column.Name) is { IsChosen: true } chosen && roles.Contains(chosen.Role))
            {
                (column.Role, column.Purpose, column.Type, column.Target, column.Ones, column.IsChosen) = (chosen.Role, chosen.Purpose, chosen.Type, chosen.Target, chosen.Ones, true);
            }
        }
    }

    /// <exception cref="InputException">a role that cannot be read</exception>
    public ImportMapping ToMapping()
    {
        var columns = Columns.Select(column => column.ToMapping()).ToList();
        return new ImportMapping
        {
            Columns = columns, Delimiter = Delimiter.Length == 1 ? Delimiter[0] : null, DateOrder = Filled(DateOrder), Zone = Filled(Zone), DefaultCountry = Filled(DefaultCountry)?.ToUpperInvariant(),
            Mode = Mode, Duplicates = Duplicates, Time = Filled(Time),
            Key = KeysAreRows && columns.All(column => column.ParsedRole.Kind != RoleKind.Key) ? ImportMapping.RowNumber : null,
        };
    }

    /// <returns>null when a file can be read so for the target</returns>
    public string? Problem(ImportTarget target, IStringLocalizer<ImportingWords> L)
    {
        try
        {
            if (Columns.FirstOrDefault(column => column.IsConsent && column.Purpose.Split('/') is not [{ Length: > 0 }, { Length: > 0 }]) is { } unnamed)
            {
                return L["Say which consent '{0}' is of: purpose/channel, as marketing/email.", unnamed.Name];
            }
            var mapping = ToMapping();
            mapping.Validate(target.Kind);
            if (target.AudienceId is null && target.Kind != "outcomes")
            {
                NewAudience.Validate(target.AudienceName, NewAudience.Columns(mapping), target.FunnelStages);
            }
            return null;
        }
        catch (InputException wrong)
        {
            return ImportTerms.OfPage(wrong.Message, L);
        }
    }

    private static string? Filled(string text) => text.Trim() is { Length: > 0 } filled ? filled : null;
}
