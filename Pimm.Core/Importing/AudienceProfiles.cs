using System.Collections.Concurrent;
using System.Globalization;
using Dapper;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>A value of a text attribute, or a range of a number.</summary>
/// <param name="Value">null: <paramref name="From"/> to <paramref name="To"/>, or what is gathered under <see cref="ColumnProfile.Others"/></param>
public sealed record ProfilePart(string? Value, double? From, double? To, long Rows);

/// <summary>What an attribute holds.</summary>
/// <param name="Rows">looked at</param>
/// <param name="Missing">of these</param>
/// <param name="Parts">ten ranges between the first and the last percentile, or the most frequent values; none of an empty column</param>
/// <param name="Others">rows with rarer values; 0 of a number</param>
public sealed record ColumnProfile(AudienceColumn Column, long Rows, long Missing, IReadOnlyList<ProfilePart> Parts, long Others);

/// <summary>What the attributes of an audience's newest version hold, out of a bounded sample; a version never changes, so each is looked at once.</summary>
public sealed class AudienceProfiles(NpgsqlDataSource database)
{
    /// <summary>Above it the customers with the lowest pseudonyms are taken, which are hashes: a sample of nobody's choice.</summary>
    public const int MostRows = 200_000;

    /// <summary>Values of fewer customers are not shown: they would name persons.</summary>
    public const int FewestCustomers = 10;

    private const int Ranges = 10;
    private const int Values = 6;
    private const int Remembered = 200;

    private readonly ConcurrentDictionary<(long Audience, int Version, int Offset), IReadOnlyList<ColumnProfile>> _known = new();

    public async Task<IReadOnlyList<ColumnProfile>> OfAsync(Audience audience, int version, int offset, int limit, CancellationToken cancellationToken = default)
    {
        var key = (audience.Id, version, offset);
        if (_known.TryGetValue(key, out var known))
        {
            return known;
        }

        var columns = audience.Attributes.Skip(offset).Take(limit).ToList();
        if (columns.Count == 0)
        {
            return [];
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var rows = (await connection.QueryAsync<Row>(new CommandDefinition(Sql(audience, columns), new { version }, cancellationToken: cancellationToken))).ToLookup(row => row.Place);
        var total = rows[-1].Single().Rows;
        if (_known.Count >= Remembered)
        {
            _known.Clear();
        }

        return _known[key] = [.. columns.Select((column, place) => Profile(column, total, [.. rows[place]]))];
    }

    private static ColumnProfile Profile(AudienceColumn column, long total, IReadOnlyList<Row> rows)
    {
        var missing = rows.Where(row => row.Bin is null && row.Value is null).Sum(row => row.Rows);
        if (!column.IsNumber)
        {
            var shown = rows.Where(row => row.Value is not null).OrderByDescending(row => row.Rows).ToList();
            return new(column, total, missing, [.. shown.Select(row => new ProfilePart(row.Value, null, null, row.Rows))], total - missing - shown.Sum(row => row.Rows));
        }

        return new(column, total, missing, [.. rows.Where(row => row.Bin is not null).OrderBy(row => row.Bin).Select(row =>
        {
            var (low, high) = (row.Low ?? 0, row.High ?? 0);
            var width = (high - low) / Ranges;
            return new ProfilePart(null, low + ((row.Bin!.Value - 1) * width), low + (row.Bin.Value * width), row.Rows);
        })], 0);
    }

    // The names of columns were checked by create_audience.
    private static string Sql(Audience audience, IReadOnlyList<AudienceColumn> columns) =>
        $"""
        with s as materialized (select {string.Join(", ", columns.Select((column, place) => $"\"{column.Name}\" as c{Number(place)}"))}
                                  from {audience.CustomersTable} where version = @version order by customer limit {Number(MostRows)})
        select -1 as place, null::text as value, null::integer as bin, null::double precision as low, null::double precision as high, count(*) as rows from s
        {string.Concat(columns.Select((column, place) => column.IsNumber ? OfNumber(Number(place)) : OfText(Number(place))))}
        """;

    private static string OfNumber(string place) =>
        $"""

        union all
        select {place}, null, case when c{place} is null then null when r.low = r.high then 1 else greatest(1, least({Number(Ranges)}, 1 + floor({Number(Ranges)} * (c{place} - r.low) / (r.high - r.low))))::integer end, r.low, r.high, count(*)
          from s, (select percentile_cont(0.01) within group (order by c{place}) as low, percentile_cont(0.99) within group (order by c{place}) as high from s) r group by 3, 4, 5
        """;

    private static string OfText(string place) =>
        $"""

        union all
        (select {place}, c{place}, null, null, null, count(*) from s where c{place} is not null group by 2 having count(*) >= {Number(FewestCustomers)} order by 6 desc, 2 limit {Number(Values)})
        union all
        select {place}, null, null, null, null, count(*) from s where c{place} is null
        """;

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed record Row(int Place, string? Value, int? Bin, double? Low, double? High, long Rows);
}
