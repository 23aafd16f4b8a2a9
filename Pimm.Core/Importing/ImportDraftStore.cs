using System.Text.Json;
using Dapper;
using Npgsql;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>What an import is to do with an upload, before it does it.</summary>
/// <param name="Kind">customers, history or outcomes</param>
public sealed record DraftRequest(string Kind, long UploadId, ImportMapping Mapping)
{
    /// <summary>Null: a new audience of <see cref="AudienceName"/>.</summary>
    public long? AudienceId { get; init; }

    public string? AudienceName { get; init; }

    /// <summary>Of a new audience: names of the nested labels, in funnel order.</summary>
    public IReadOnlyList<string> Funnel { get; init; } = ["click", "conversion", "core_conversion"];

    /// <summary>reject, cascade-up or cascade-down</summary>
    public string Order { get; init; } = "reject";

    /// <summary>Of outcomes: who counted the events.</summary>
    public string? Source { get; init; }

    public double AcceptBadShare { get; init; } = 0.05;

    public long? ReplayOf { get; init; }
}

/// <summary>What reading the whole file found: counts and problems, or why it is refused.</summary>
public sealed record DraftFindings(ImportCheck? Check, string? Code, string? Refusal);

/// <summary>An import that was described and checked, and is applied when somebody says so.</summary>
/// <param name="CheckRunId">null once that run is forgotten</param>
/// <param name="Findings">null while the file is being checked</param>
public sealed record ImportDraft(
    long Id, DraftRequest Request, string CreatedBy, DateTimeOffset CreatedAt, long? CheckRunId, DraftFindings? Findings,
    long? ApplyRunId, string? AppliedBy, DateTimeOffset? AppliedAt);

/// <summary>Drafts of imports.</summary>
public sealed class ImportDraftStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string Insert =
        "insert into import_draft(request, created_by, created_at) values (@request::jsonb, @by, @at) returning id";

    private const string SelectDraft =
        """
        select id, request::text, created_by, created_at, check_run_id, checked::text, apply_run_id, applied_by, applied_at
          from import_draft where id = @id
        """;

    private const string UpdateCheckRun = "update import_draft set check_run_id = @runId where id = @id";

    private const string UpdateChecked = "update import_draft set checked = @findings::jsonb, checked_at = @at where id = @id and applied_at is null";

    private const string UpdateApplied =
        "update import_draft set apply_run_id = @runId, applied_by = @by, applied_at = @at where id = @id and apply_run_id is not distinct from @before::bigint";

    /// <summary>In the caller's transaction.</summary>
    public async Task<long> AddAsync(NpgsqlConnection connection, DraftRequest request, string by) =>
        await connection.ExecuteScalarAsync<long>(Insert, new { request = JsonSerializer.Serialize(request, JobRequest.Json), by, at = time.GetUtcNow() });

    public Task SetCheckRunAsync(NpgsqlConnection connection, long id, long runId) => connection.ExecuteAsync(UpdateCheckRun, new { id, runId });

    public Task SaveAsync(NpgsqlConnection connection, long id, DraftFindings findings) =>
        connection.ExecuteAsync(UpdateChecked, new { id, findings = JsonSerializer.Serialize(findings, JobRequest.Json), at = time.GetUtcNow() });

    /// <param name="before">the run that applied it and failed; null: none did</param>
    /// <returns>false when somebody else applied it meanwhile</returns>
    public async Task<bool> ApplyAsync(NpgsqlConnection connection, long id, long runId, string by, long? before) =>
        await connection.ExecuteAsync(UpdateApplied, new { id, runId, by, before, at = time.GetUtcNow() }) == 1;

    /// <exception cref="InputException">no such draft</exception>
    public async Task<ImportDraft> GetAsync(long id, CancellationToken cancellationToken = default) =>
        await FindAsync(id, cancellationToken) ?? throw new InputException($"There is no draft {id} of an import.");

    public async Task<ImportDraft?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(SelectDraft, new { id }, cancellationToken: cancellationToken));
        return row is null ? null : new ImportDraft(row.Id, JsonSerializer.Deserialize<DraftRequest>(row.Request, JobRequest.Json)!, row.CreatedBy, row.CreatedAt, row.CheckRunId,
            row.Checked is null ? null : JsonSerializer.Deserialize<DraftFindings>(row.Checked, JobRequest.Json), row.ApplyRunId, row.AppliedBy, row.AppliedAt);
    }

    private sealed record Row(
        long Id, string Request, string CreatedBy, DateTimeOffset CreatedAt, long? CheckRunId, string? Checked, long? ApplyRunId, string? AppliedBy, DateTimeOffset? AppliedAt);
}
