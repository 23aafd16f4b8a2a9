using Dapper;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Importing;

/// <summary>One file that was taken in: received = created + updated + skipped + quarantined.</summary>
/// <param name="Kind">customers, history or outcomes</param>
public sealed record ImportedFile(
    long Id, long AudienceId, string Kind, string FileName, long Received, long Created, long Updated, long Skipped, long Quarantined, DateTimeOffset ImportedAt,
    long Warnings, string? ImportedBy, long? ReplayOf, DateTimeOffset? UndoneAt, string? UndoneBy, string Settings);

/// <summary>Imported files, their problems, and the versions they made.</summary>
public sealed class ImportStore(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Problems kept of one file; more are counted only.</summary>
    public const int KeptProblems = 10_000;

    private const string SelectSame =
        """
        select id, audience_id, kind, file_name, received, created, updated, skipped, quarantined, imported_at,
               warnings, imported_by, replay_of, undone_at, undone_by, settings
          from import_file
         where audience_id = @audienceId and kind = @kind and sha256 = @sha256 and settings = @settings and state = 'finished' and undone_at is null
           -- Of outcomes what could not be counted may be countable now: its customer, its impression is known.
           and (kind <> 'outcomes' or quarantined = 0)
           and (kind <> 'customers' or id = (select import_file_id from audience_version where audience_id = @audienceId order by version desc limit 1))
         order by id desc limit 1
        """;

    private const string SelectFiles =
        """
        select id, audience_id, kind, file_name, received, created, updated, skipped, quarantined, imported_at,
               warnings, imported_by, replay_of, undone_at, undone_by, settings
          from import_file where audience_id = @audienceId and state = 'finished' order by id desc
        """;

    private const string SelectFinished =
        """
        select id, audience_id, kind, file_name, received, created, updated, skipped, quarantined, imported_at,
               warnings, imported_by, replay_of, undone_at, undone_by, settings
          from import_file where id = @id and state = 'finished'
        """;

    private const string SelectProblems =
        """
        select line, column_name as "column", code, message, masked, warning, customer from import_problem
         where import_file_id = @importFileId order by line limit @limit
        """;

    private const string SelectCodes = "select code, count(*) from import_problem where import_file_id = @importFileId group by code order by code";

    private const string SelectOtherwise =
        """
        select id from import_file
         where audience_id = @audienceId and kind = 'history' and sha256 = @sha256 and settings <> @settings and state = 'finished' and undone_at is null
         order by id desc limit 1
        """;

    private const string SelectRefusalCode = "select code from import_refusal where run_id = @runId order by fence desc limit 1";

    private const string SelectRefusal = "select reason from import_refusal where run_id = @runId and fence = @fence";

    private const string CreateChecked = "create temporary table checked_customer (customer uuid) on commit drop";

    private const string CountErased = "select count(*) from checked_customer c join erasure e on e.customer = c.customer";

    private const string InsertVersion =
        """
        insert into audience_version(audience_id, version, import_file_id, customers, created_at)
        values (@audienceId, @version, @importFileId, @customers, @at)
        """;

    /// <summary>
    /// The earlier import of the very same bytes, read in the same way, if importing them again would have no effect: of customers no
    /// other state came since.
    /// </summary>
    public async Task<ImportedFile?> FindSameAsync(long audienceId, string kind, byte[] sha256, string settings, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await FindSameAsync(connection, audienceId, kind, sha256, settings, cancellationToken);
    }

    /// <summary>As above, in the caller's transaction.</summary>
    public static Task<ImportedFile?> FindSameAsync(
        NpgsqlConnection connection, long audienceId, string kind, byte[] sha256, string settings, CancellationToken cancellationToken = default) =>
        connection.QuerySingleOrDefaultAsync<ImportedFile>(new CommandDefinition(SelectSame, new { audienceId, kind, sha256, settings }, cancellationToken: cancellationToken));

    public async Task<IReadOnlyList<ImportedFile>> FilesAsync(long audienceId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ImportedFile>(new CommandDefinition(SelectFiles, new { audienceId }, cancellationToken: cancellationToken))];
    }

    public async Task<ImportedFile?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ImportedFile>(new CommandDefinition(SelectFinished, new { id }, cancellationToken: cancellationToken));
    }

    public async Task<IReadOnlyList<ImportProblem>> ProblemsAsync(long importFileId, int limit = 100, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var rows = await connection.QueryAsync<ProblemRow>(new CommandDefinition(SelectProblems, new { importFileId, limit }, cancellationToken: cancellationToken));
        return [.. rows.Select(row => new ImportProblem(row.Line, row.Column, row.Code, row.Message) { Value = row.Masked, IsWarning = row.Warning, Customer = row.Customer })];
    }

    /// <summary>Kept problems and warnings by code.</summary>
    public async Task<IReadOnlyDictionary<string, long>> CodesAsync(long importFileId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var rows = await connection.QueryAsync<(string Code, long Count)>(new CommandDefinition(SelectCodes, new { importFileId }, cancellationToken: cancellationToken));
        return rows.ToDictionary(row => row.Code, row => row.Count);
    }

    /// <summary>An import of the very same history, read in another way: both together would count every impression twice.</summary>
    public async Task<long?> FindOtherwiseAsync(long audienceId, byte[] sha256, string settings, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long?>(new CommandDefinition(SelectOtherwise, new { audienceId, sha256, settings }, cancellationToken: cancellationToken));
    }

    /// <summary>The stable word for why a run refused its file.</summary>
    public async Task<string?> FindRefusalCodeAsync(long runId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<string?>(new CommandDefinition(SelectRefusalCode, new { runId }, cancellationToken: cancellationToken));
    }

    /// <summary>Why a run's attempt refused the content of its file; null when it did not, whatever else became of it.</summary>
    public async Task<string?> FindRefusalAsync(long runId, long fence, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<string?>(new CommandDefinition(SelectRefusal, new { runId, fence }, cancellationToken: cancellationToken));
    }

    public async Task AddVersionAsync(NpgsqlConnection connection, long audienceId, int version, long importFileId, long customers) =>
        await connection.ExecuteAsync(InsertVersion, new { audienceId, version, importFileId, customers, at = time.GetUtcNow() });

    /// <summary>Customers of <paramref name="version"/> that the version before had too.</summary>
    public async Task<long> CountKnownAsync(NpgsqlConnection connection, Audience audience, int version) =>
        await connection.ExecuteScalarAsync<long>(
            $"select count(*) from {audience.CustomersTable} n join {audience.CustomersTable} o using (customer) where n.version = @version and o.version = (select max(version) from audience_version where audience_id = @Id and version < @version)",
            new { version, audience.Id });

    /// <summary>What an audience knows of customers, by one look-up of all of them; a new audience, which has no number, knows nobody.</summary>
    public async Task<ImportForecast> ForecastAsync(Audience audience, IReadOnlyCollection<Guid> customers, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(CreateChecked);
        await BulkCopy.WriteAsync(connection, "checked_customer (customer)", customers, static (import, customer) => import.Write(customer), cancellationToken);
        var erased = await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountErased, commandTimeout: 0, cancellationToken: cancellationToken));
        return new ImportForecast(audience.Id == 0 ? 0 : await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            $"""
            select count(*) from checked_customer n join {audience.CustomersTable} o using (customer)
             where o.version = (select max(version) from audience_version where audience_id = @Id) and not exists (select from erasure e where e.customer = n.customer)
            """, new { audience.Id }, commandTimeout: 0, cancellationToken: cancellationToken)), erased);
    }

    private sealed record ProblemRow(long Line, string? Column, string Code, string Message, string? Masked, bool Warning, Guid? Customer);
}

/// <summary>What became of a file's rows; nothing is lost.</summary>
public sealed record ImportCounts(long Received, long Created, long Updated, long Skipped, long Quarantined)
{
    /// <summary>Values that were dropped while their rows were taken in, and rows that were left out on purpose.</summary>
    public long Warnings { get; init; }
}
