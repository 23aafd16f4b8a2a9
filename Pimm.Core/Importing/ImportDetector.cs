using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Pimm.Core.Importing;

/// <summary>Looks at the begin of a file and proposes how to import it.</summary>
public sealed class ImportDetector(ImportTemplateStore templates, AudienceStore audiences)
{
    private const int LookedAt = 10_000;
    private const int Shown = 20;

    /// <param name="kind">customers, history or outcomes</param>
    /// <param name="audienceId">its attributes and stages are recognised by name; null: a new audience</param>
    /// <exception cref="InputException">the file cannot be read</exception>
    public async Task<Detection> DetectAsync(ImportSource source, string kind, long? audienceId, UnpackingLimit? limit, CancellationToken cancellationToken = default)
    {
        using var file = source.Open(limit);
        var columns = file.Names.All.Select(name => new ColumnValues(name)).ToArray();
        var (rows, bad) = Read(file, columns);
        var audience = audienceId is { } id ? await audiences.GetAsync(id, cancellationToken) : null;
        var fingerprint = Detection.FingerprintOf(file.Names.All);
        var template = (await templates.FindAsync(fingerprint, kind, cancellationToken)).FirstOrDefault();
        var proposed = template?.Mapping ?? MappingProposal.Of(kind, columns, audience);
        var roles = proposed.Columns.ToDictionary(column => column.Column, column => column, StringComparer.Ordinal);
        return new Detection(
            file.Source, kind, "UTF-8", file.Delimiter, file.IsPacked,
            [.. columns.Select(column => new DetectedColumn(column.Name, column.Type, column.MissingShare(rows), roles.GetValueOrDefault(column.Name)?.Role ?? "ignore"))],
            Sampled(columns, roles), rows, Convert.ToHexStringLower(fingerprint), proposed, template?.Name, [.. Unreadable(file, rows, bad), .. Questions(kind, columns, proposed)]);
    }

    private static (long Rows, IReadOnlyList<ImportProblem> Bad) Read(DelimitedReader file, ColumnValues[] columns)
    {
        var (rows, bad) = (0L, new List<ImportProblem>());
        while (rows < LookedAt && file.Read(out var problem))
        {
            if (problem is not null)
            {
                bad.Add(problem);
                continue;
            }
            rows++;
            for (var place = 0; place < columns.Length; place++)
            {
                columns[place].Add(file[place], keeps: rows <= Shown);
            }
        }
        return (rows, bad);
    }

    /// <summary>What nobody would see in the columns, since they show the rows that could be read.</summary>
    private static IEnumerable<string> Unreadable(DelimitedReader file, long rows, IReadOnlyList<ImportProblem> bad)
    {
        if (file.Names.LookLikeData)
        {
            yield return "The first line looks like data and not like names of columns: if the header is missing, add one and begin again.";
        }
        if (bad.Count > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{bad.Count:N0} of the first {rows + bad.Count:N0} rows cannot be read; the first one: {bad[0].In(file.Source)}");
        }
    }

    private static IReadOnlyList<IReadOnlyList<string>> Sampled(ColumnValues[] columns, Dictionary<string, ColumnMapping> roles) =>
    [
        .. Enumerable.Range(0, columns.Max(column => column.First.Count)).Select(row => (IReadOnlyList<string>)
        [
            .. columns.Select(column => roles.GetValueOrDefault(column.Name)?.ParsedRole.Kind is null or RoleKind.Identifier or RoleKind.Ignore && !MaskedText.LooksLikeEmail(column.First[row]) && !MaskedText.LooksLikePhone(column.First[row])
                ? MaskedText.Hidden(column.First[row])
                : MaskedText.InSample(column.First[row])),
        ]),
    ];

    private static IReadOnlyList<string> Questions(string kind, ColumnValues[] columns, ImportMapping proposed)
    {
        var questions = new List<string>();
        if (!proposed.Of(RoleKind.Key).Any())
        {
            questions.Add("Which column names a customer? Without one each row counts as a customer of its own (key row-number).");
        }
        foreach (var column in columns.Where(column => proposed.Columns.Any(c => c.Column == column.Name && c.ParsedRole.Kind is RoleKind.Time or RoleKind.ConsentTime)))
        {
            if (proposed.DateOrder is null && column.OrderIsOpen)
            {
                questions.Add($"In which order does '{column.Name}' write day, month and year (--date-order)? Its first rows can be read in more than one.");
            }
            if (proposed.Zone is null && column.LacksOffset)
            {
                questions.Add($"In which time zone are the times of '{column.Name}' (--zone)? They have no offset.");
            }
        }
        questions.AddRange(columns.Where(column => column.IsNearlyNumber && proposed.Columns.Any(c => c.Column == column.Name && c.ParsedRole.IsAttribute && c.Type == "text")).Select(column =>
            string.Create(CultureInfo.InvariantCulture, $"'{column.Name}' holds numbers but for {column.Others:N0} of {column.Filled:N0} values: choose the type number to have those rows put aside, or leave all of it text.")));
        if (kind == "history" && proposed.Time is null && !proposed.Of(RoleKind.Time).Any())
        {
            questions.Add("Which column says when the impression was? Without one give a time for all rows.");
        }
        return questions;
    }
}

/// <summary>What the rows that were looked at hold in one column.</summary>
internal sealed class ColumnValues(string name)
{
    private long _numbers;
    private long _codes;
    private long _emails;
    private long _phones;
    private long _times;
    private long _local;
    private long _open;

    public string Name { get; } = name;

    public List<string> First { get; } = [];

    public long Filled { get; private set; }

    public long Others => Filled - _numbers;

    /// <summary>A few values among numbers that are none: a number's column with mistakes rather than a text's.</summary>
    public bool IsNearlyNumber => Others > 0 && _codes == 0 && Others * 20 <= Filled;

    public string Type => Filled > 0 && _numbers == Filled ? "number" : "text";

    public bool LooksLikeEmails => _emails * 2 > Filled;

    public bool LooksLikePhones => _phones * 2 > Filled;

    public bool LooksLikeTimes => Filled > 0 && _times * 10 > Filled * 9;

    public bool LacksOffset => _local > 0;

    public bool OrderIsOpen => _open > 0;

    public double MissingShare(long rows) => rows == 0 ? 0 : (double)(rows - Filled) / rows;

    public void Add(ReadOnlySpan<byte> field, bool keeps)
    {
        if (keeps)
        {
            First.Add(Encoding.UTF8.GetString(field[..Math.Min(field.Length, 200)]));
        }
        if (field.IsEmpty)
        {
            return;
        }
        Filled++;
        _numbers += ColumnDetection.IsNumber(field) ? 1 : 0;
        _codes += field is [(byte)'0', >= (byte)'0' and <= (byte)'9', ..] ? 1 : 0;
        if (Filled <= 1_000)
        {
            Look(Encoding.UTF8.GetString(field[..Math.Min(field.Length, 200)]), field);
        }
    }

    private void Look(string text, ReadOnlySpan<byte> field)
    {
        _emails += MaskedText.LooksLikeEmail(text) ? 1 : 0;
        _phones += MaskedText.LooksLikePhone(text) ? 1 : 0;
        if (field.Length < 6 || Utf8Parser.TryParse(field, out double _, out var read) && read == field.Length)
        {
            return;
        }
        var exact = InstantText.TryParse(field, out _);
        var wrong = exact ? null : AnyZone.Read(field, 1, Name, out _);
        _times += wrong is null || wrong.Code == ImportCode.AmbiguousDate ? 1 : 0;
        _open += wrong?.Code == ImportCode.AmbiguousDate ? 1 : 0;
        _local += !exact && (wrong is null || wrong.Code == ImportCode.AmbiguousDate) && new InstantReader(DateOrder.YearMonthDay).Read(field, 1, Name, out _) is not null ? 1 : 0;
    }

    private static readonly InstantReader AnyZone = new(zone: TimeZoneInfo.Utc);
}
