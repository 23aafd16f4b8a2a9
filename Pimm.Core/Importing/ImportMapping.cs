using System.Text.Json;
using System.Text.Json.Serialization;
using Pimm.Core.Identifying;

namespace Pimm.Core.Importing;

/// <summary>One column of a file and what it is for.</summary>
/// <param name="Column">its name in the file</param>
/// <param name="Role">as <see cref="ColumnRole"/> writes it</param>
/// <param name="Type">of an attribute: "number" or "text"; null: as the file shows it</param>
/// <param name="Attribute">the attribute's name in the audience; null: the column's</param>
/// <param name="Ones">of a label: the values that mean 1, every other one means 0; null: the column holds 0 and 1</param>
public sealed record ColumnMapping(string Column, string Role, string? Type = null, string? Attribute = null, IReadOnlyList<string>? Ones = null)
{
    [JsonIgnore]
    public ColumnRole ParsedRole { get; } = ColumnRole.Parse(Role);

    [JsonIgnore]
    public string Target => Attribute ?? Column;
}

/// <summary>How a file's columns become what an import writes, and how its values are read. Columns that are not named are left out.</summary>
public sealed record ImportMapping
{
    /// <summary>For <see cref="Key"/>: each row is a customer of its own, called row-1, row-2 … in file order.</summary>
    public const string RowNumber = "row-number";

    public const string Merge = "merge";
    public const string KeepFirst = "keep-first";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public IReadOnlyList<ColumnMapping> Columns { get; init; } = [];

    /// <summary>Null: found.</summary>
    public char? Delimiter { get; init; }

    /// <summary>dmy, mdy or ymd; null: dates that can be read in two ways are put aside.</summary>
    public string? DateOrder { get; init; }

    /// <summary>IANA name of the zone of times without an offset; null: those are put aside.</summary>
    public string? Zone { get; init; }

    /// <summary>ISO 3166 code for phones written without a country; null: those are dropped.</summary>
    public string? DefaultCountry { get; init; }

    /// <summary>Of customers: "replace" makes the file the whole audience, "merge" lays it over the newest version; an empty field then changes nothing.</summary>
    public string Mode { get; init; } = "replace";

    /// <summary>Of customers: a second row of a customer is put aside ("quarantine") or counted as skipped and listed ("keep-first").</summary>
    public string Duplicates { get; init; } = "quarantine";

    /// <summary>"row-number" for files in which no column names a customer.</summary>
    public string? Key { get; init; }

    /// <summary>The instant of every row, for files without a time: of impressions and of consents.</summary>
    public string? Time { get; init; }

    [JsonIgnore]
    public bool Merges => Mode == Merge;

    [JsonIgnore]
    public bool KeysAreRows => Key == RowNumber;

    public IEnumerable<ColumnMapping> Of(RoleKind kind) => Columns.Where(column => column.ParsedRole.Kind == kind);

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <exception cref="InputException">no such document</exception>
    public static ImportMapping FromJson(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<ImportMapping>(text, Json) ?? throw new JsonException("it is null");
        }
        catch (JsonException wrong)
        {
            var place = wrong.Path is { Length: > 2 } at ? $"look at \"{at[2..]}\"" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"line {wrong.LineNumber + 1}, byte {wrong.BytePositionInLine + 1}");
            throw new InputException($"The mapping cannot be read ({place}): write JSON with columns, delimiter, dateOrder, zone, defaultCountry, mode, duplicates, key and time as docs/imports.md says; \"pimm import detect FILE --write-map FILE\" proposes one.", wrong) { Code = ImportCode.BadMapping };
        }
    }

    public InstantReader Instants() => new(ParsedOrder(), ParsedZone());

    /// <summary>That it can be meant of a file of this kind, whatever the file holds.</summary>
    /// <param name="kind">customers, history or outcomes</param>
    /// <exception cref="InputException">a role twice, none for the key, an unknown option</exception>
    public void Validate(string kind)
    {
        Require(Columns.GroupBy(column => column.Column, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key, "names the column '{0}' twice; name it once");
        Require(Columns.Where(column => column.ParsedRole.IsAttribute).GroupBy(column => column.Target, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key, "makes two columns the attribute '{0}'; name one of them otherwise");
        var single = Columns.Select(column => column.ParsedRole)
            .Where(role => role.Kind is not (RoleKind.Feature or RoleKind.Protected or RoleKind.Proxy or RoleKind.Arm or RoleKind.Label or RoleKind.Ignore))
            .GroupBy(role => role).FirstOrDefault(g => g.Count() > 1)?.Key;
        Require(single?.ToString(), "gives the role {0} twice; give it to one column");
        Require(Columns.FirstOrDefault(column => !Allowed(kind, column.ParsedRole.Kind)) is { } stray ? $"{stray.Role}, of '{stray.Column}'," : null, $"has the role {{0}} which a file of {kind} does not have; choose another");
        Require(Columns.FirstOrDefault(column => column.ParsedRole.IsAttribute && column.Type is not (null or "number" or "text")) is { } odd ? $"{odd.Type}\" for '{odd.Column}'" : null, "has the type \"{0}; choose number or text");
        Require(Mode is "replace" or Merge ? null : Mode, "has the mode \"{0}\"; choose replace or merge");
        Require(Duplicates is "quarantine" or KeepFirst ? null : Duplicates, "treats duplicates as \"{0}\"; choose quarantine or keep-first");
        Require(Key is null or RowNumber ? null : Key, "has the key \"{0}\"; leave it out or choose row-number");
        Require(Time is { } at && !InstantText.TryParse(System.Text.Encoding.UTF8.GetBytes(at), out _) ? at : null, $"has the time \"{{0}}\"; {InstantText.Expected.TrimEnd('.')}");
        Require(DefaultCountry is { } country && !Canonical.HasPhones(country) ? country : null, "has the default country \"{0}\"; give the two letters of ISO 3166, as DE or US");
        if (!KeysAreRows && !Of(RoleKind.Key).Any())
        {
            throw new InputException("No column has the role key: say which one names a customer, or choose the key row-number where none does.") { Code = ImportCode.NoKey };
        }
        _ = Instants();
        RequireConsentTimes();
    }

    private void RequireConsentTimes() => Require(
        Of(RoleKind.Consent).FirstOrDefault(consent => Time is null && Of(RoleKind.ConsentTime).All(time => time.ParsedRole.Detail != consent.ParsedRole.Detail))?.Role,
        "has {0} without its time: add a column consent-time of the same purpose and channel, or a time for all rows");

    private static bool Allowed(string kind, RoleKind role) => role switch
    {
        RoleKind.Ignore or RoleKind.Key => true,
        RoleKind.Feature or RoleKind.Protected or RoleKind.Proxy or RoleKind.Arm => kind != "outcomes",
        RoleKind.Identifier or RoleKind.Consent or RoleKind.ConsentTime or RoleKind.ConsentSource => kind == "customers",
        RoleKind.Label or RoleKind.Targeted => kind == "history",
        RoleKind.Amount or RoleKind.Time => kind != "customers",
        _ => kind == "outcomes",
    };

    private DateOrder? ParsedOrder() => DateOrder switch
    {
        null => null,
        "dmy" => Importing.DateOrder.DayMonthYear,
        "mdy" => Importing.DateOrder.MonthDayYear,
        "ymd" => Importing.DateOrder.YearMonthDay,
        _ => throw new InputException($"The date order \"{DateOrder}\" is unknown; choose dmy, mdy or ymd.") { Code = ImportCode.BadMapping },
    };

    private TimeZoneInfo? ParsedZone()
    {
        try
        {
            return Zone is null ? null : TimeZoneInfo.FindSystemTimeZoneById(Zone);
        }
        catch (Exception unknown) when (unknown is TimeZoneNotFoundException or InvalidTimeZoneException or System.Security.SecurityException)
        {
            throw new InputException($"There is no time zone \"{Zone}\": give an IANA name such as Europe/Berlin.", unknown) { Code = ImportCode.BadMapping };
        }
    }

    private static void Require(string? found, string sentence)
    {
        if (found is not null)
        {
            throw new InputException($"The mapping {string.Format(System.Globalization.CultureInfo.InvariantCulture, sentence, found)}.") { Code = ImportCode.BadMapping };
        }
    }
}
