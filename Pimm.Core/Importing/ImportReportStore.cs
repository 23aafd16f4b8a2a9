using System.Text.Json;
using Dapper;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>One import as its page shows it: received = created + updated + skipped + quarantined.</summary>
/// <param name="State">reading or finished</param>
/// <param name="Settings">how its rows were read, as JSON</param>
/// <param name="HasRows">its bad rows were kept: they can be downloaded</param>
/// <param name="ReplayedBy">newest import that brought its bad rows back, mended</param>
public sealed record ImportReport(
    long Id, long? RunId, string FileName, string Kind, long AudienceId, string Audience, bool Simulated, string? By, DateTimeOffset At, string State, int? Version,
    long Received, long Created, long Updated, long Skipped, long Quarantined, long Warnings, string Settings,
    long? ReplayOf, long? ReplayedBy, DateTimeOffset? UndoneAt, string? UndoneBy, string? Undone, bool HasRows)
{
    /// <summary>Null: the columns went by the audience's own names.</summary>
    public ImportMapping? Mapping => Setting("Mapping") is { } json ? ImportMapping.FromJson(json) : null;

    /// <summary>What happened to labels out of the funnel's order; null: not said.</summary>
    public string? Order => Setting("Order");

    /// <summary>Of outcomes: who counted them.</summary>
    public string? Source => Setting("Source");

    private string? Setting(string name)
    {
        using var settings = JsonDocument.Parse(Settings.StartsWith('{') ? Settings : "{}");
        return settings.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}

/// <summary>Kept problems of one code.</summary>
public sealed record ProblemCount(string Code, bool Warning, long Count);

/// <summary>What an undo would meet now.</summary>
/// <param name="NewerVersion">of the audience, made after this import's</param>
/// <param name="EarlierVersion">which would be the newest again</param>
/// <param name="ScoredFor">a campaign that decided with this import's version</param>
/// <param name="Trained">model versions of the audience that were trained since</param>
/// <param name="Measured">campaigns of the audience whose lift was computed since</param>
public sealed record UndoOutlook(int? NewerVersion, int? EarlierVersion, long? EarlierCustomers, string? ScoredFor, long Trained, long Measured);

/// <summary>One import with all that a person asks of it.</summary>
public sealed class ImportReportStore(NpgsqlDataSource database)
{
    private const string SelectReport =
        """
        select f.id, f.run_id, f.file_name, f.kind, f.audience_id, a.name as audience, a.simulated, f.imported_by as by, f.imported_at as at, f.state,
               coalesce(v.version, f.version) as version,
               f.received, f.created, f.updated, f.skipped, f.quarantined, f.warnings, f.settings,
               f.replay_of, (select max(m.id) from import_file m where m.replay_of = f.id and m.undone_at is null) as replayed_by,
               f.undone_at, f.undone_by, f.undone::text,
               f.header is not null and f.state = 'finished'
                   and exists (select from import_problem p where p.import_file_id = f.id and p.sealed is not null and not p.warning) as has_rows
          from import_file f
          join audience a on a.id = f.audience_id
          left join audience_version v on v.import_file_id = f.id
         where f.id = @id
        """;

    private const string SelectCodes =
        "select code, warning, count(*) from import_problem where import_file_id = @id group by code, warning order by warning, count(*) desc, code";

    private const string SelectProblems =
        """
        select line, column_name as "column", code, message, masked, warning from import_problem
         where import_file_id = @id and (@code::text is null or code = @code) order by warning, line offset @offset limit @limit
        """;

    private const string SelectOutlook =
        """
        select (select max(v.version) from audience_version v where v.audience_id = f.audience_id and v.version > o.version) as newer_version,
               e.version as earlier_version, e.customers as earlier_customers,
               (select min(c.name) from scoring s join campaign c on c.id = s.campaign_id where c.audience_id = f.audience_id and s.audience_version = o.version) as scored_for,
               (select count(*) from model_version m join model_line l on l.id = m.model_line_id where l.audience_id = f.audience_id and m.trained_at >= f.imported_at) as trained,
               (select count(distinct r.campaign_id) from lift_report r join campaign c on c.id = r.campaign_id
                 where c.audience_id = f.audience_id and r.computed_at >= f.imported_at) as measured
          from import_file f
          left join audience_version o on o.import_file_id = f.id
          left join lateral (select version, customers from audience_version v where v.audience_id = f.audience_id and v.version < o.version order by version desc limit 1) e on true
         where f.id = @id
        """;

    /// <returns>null when there is no such import</returns>
    public async Task<ImportReport?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ImportReport>(new CommandDefinition(SelectReport, new { id }, cancellationToken: cancellationToken));
    }

    /// <summary>Bad rows before warnings, the most frequent first.</summary>
    public async Task<IReadOnlyList<ProblemCount>> CodesAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ProblemCount>(new CommandDefinition(SelectCodes, new { id }, cancellationToken: cancellationToken))];
    }

    /// <summary>Bad rows before warnings, by line.</summary>
    /// <param name="code">null: all</param>
    public async Task<IReadOnlyList<ShownProblem>> ProblemsAsync(long id, string? code, int offset, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(SelectProblems, new { id, code, offset, limit }, cancellationToken: cancellationToken));
        return [.. rows.Select(row => new ShownProblem(row.Line, row.Column, row.Code, row.Masked, row.Message, ImportCode.Remedy(row.Code), row.Warning))];
    }

    /// <summary>What an undo of a finished import would meet; the undo itself looks again.</summary>
    public async Task<UndoOutlook> OutlookAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleAsync<UndoOutlook>(new CommandDefinition(SelectOutlook, new { id }, cancellationToken: cancellationToken));
    }

    private sealed record Row(long Line, string? Column, string Code, string Message, string? Masked, bool Warning);
}
