using System.Globalization;
using Pimm.Core;
using Pimm.Core.Auditing;

namespace Pimm.Web.Audit;

/// <summary>The filter of the audit log as an address holds it.</summary>
/// <param name="From">its first day in UTC, as 2026-12-01</param>
/// <param name="To">its last day</param>
public sealed record AuditQuery(string? Actor = null, string? Action = null, string? Object = null, string? From = null, string? To = null)
{
    public bool IsEmpty => Fields.All(one => one.Value is null);

    private IEnumerable<KeyValuePair<string, string?>> Fields =>
    [
        new("actor", Some(Actor)), new("action", Some(Action)), new("object", Some(Object)), new("from", Some(From)), new("to", Some(To)),
    ];

    /// <exception cref="InputException">a day is none</exception>
    public AuditFilter ToFilter() => new(Day("from", From), Day("to", To)?.AddDays(1), Some(Actor), Some(Action), Some(Object));

    public string Address(string path, long? before = null)
    {
        var given = Fields.Append(new("before", before?.ToString(CultureInfo.InvariantCulture))).Where(field => field.Value is not null).ToList();
        return given.Count == 0 ? path : $"{path}?{string.Join('&', given.Select(field => $"{field.Key}={Uri.EscapeDataString(field.Value!)}"))}";
    }

    private static string? Some(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static DateTimeOffset? Day(string name, string? text) => Some(text) switch
    {
        null => null,
        var day when DateOnly.TryParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) => new DateTimeOffset(date.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero),
        var other => throw new InputException($"The filter \"{name}\" is \"{AuditText.OneLine(other)}\": write the day as 2026-12-01."),
    };
}
