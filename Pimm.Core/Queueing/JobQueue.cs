using System.Globalization;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Queueing;

/// <summary>The queue as everybody but a worker sees it: ask for runs, look at them, cancel them, try them again.</summary>
public sealed class JobQueue(NpgsqlDataSource database, IOptions<QueueingOptions>? options = null)
{
    private readonly QueueingOptions options = options?.Value ?? new();

    /// <returns>the run's id; the existing one's where kind and key are known already</returns>
    public async Task<long> EnqueueAsync(JobRequest request, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await EnqueueAsync(request, connection);
    }

    /// <summary>As above, asked for by somebody: the audit log says who.</summary>
    /// <param name="by">see <see cref="AuditActor"/></param>
    public async Task<long> EnqueueAsync(JobRequest request, string by, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var added = await TryAddAsync(request, connection);
        if (added is { } run)
            await AuditLog.AddAsync(connection, EntryOf(by, "run.enqueue", run, new { request.Kind, request.DedupeKey, request.CampaignId, request.LogicalDate }));
        var id = added ?? await FindAsync(request, connection);
        await transaction.CommitAsync(cancellationToken);
        return id;
    }

    /// <summary>As the first, in the caller's transaction: the run exists when that commits.</summary>
    public async Task<long> EnqueueAsync(JobRequest request, NpgsqlConnection connection) =>
        await TryAddAsync(request, connection) ?? await FindAsync(request, connection);

    /// <returns>null: kind and key are known already</returns>
    private async Task<long?> TryAddAsync(JobRequest request, NpgsqlConnection connection)
    {
        request.Validate();
        return await connection.ExecuteScalarAsync<long?>(Insert, new
        {
            request.Kind,
            request.DedupeKey,
            Arguments = JsonSerializer.Serialize(request.Arguments, JobRequest.Json),
            request.CampaignId,
            request.LogicalDate,
            Requires = request.Requires ?? options.RequiredBy(request.Kind),
            After = request.After ?? [],
            request.MaxAttempts,
            request.MaxDuration
        });
    }

    private static Task<long> FindAsync(JobRequest request, NpgsqlConnection connection) =>
        connection.ExecuteScalarAsync<long>(SelectByKey, new { request.Kind, request.DedupeKey });

    /// <exception cref="InputException">no such run</exception>
    public async Task<JobRun> GetAsync(long id, CancellationToken cancellationToken = default) => await FindAsync(id, cancellationToken) ?? throw NoSuchRun(id);

    /// <summary>The run of this kind and key; null where nobody asked for it.</summary>
    public async Task<JobRun?> FindAsync(string kind, string dedupeKey, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var id = await connection.ExecuteScalarAsync<long?>(SelectByKey, new { Kind = kind, DedupeKey = dedupeKey });
        return id is { } known ? await connection.QuerySingleOrDefaultAsync<JobRun>(SelectRun, new { id = known }) : null;
    }

    public async Task<JobRun?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<JobRun>(SelectRun, new { id });
    }

    /// <summary>The newest first.</summary>
    /// <param name="after">only runs older than this one; null: all</param>
    public async Task<IReadOnlyList<JobRun>> ListAsync(
        long? campaignId = null, string? kind = null, int limit = 100, string? state = null, CancellationToken cancellationToken = default, long? after = null)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<JobRun>(SelectRuns, new { campaignId, kind, state, limit, after })];
    }

    /// <summary>What the run wrote, all its attempts, the oldest first.</summary>
    public async Task<IReadOnlyList<JobLogLine>> ListLogAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<JobLogLine>(SelectLog, new { ids = new[] { id } })];
    }

    /// <summary>Several runs, each with what it wrote, in one question to the database; those that are not there are left out.</summary>
    public async Task<IReadOnlyList<(JobRun Run, IReadOnlyList<JobLogLine> Log)>> ListWithLogsAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var both = await connection.QueryMultipleAsync($"{SelectSome}; {SelectLog}", new { ids = ids.ToArray() });
        var runs = await both.ReadAsync<JobRun>();
        var logs = (await both.ReadAsync<JobLogLine>()).ToLookup(line => line.RunId);
        return [.. runs.Select(run => (run, (IReadOnlyList<JobLogLine>)[.. logs[run.Id]]))];
    }

    /// <summary>A queued run is cancelled at once, a running one when its worker's next heartbeat hears of it.</summary>
    /// <returns>the run after the wish; one that had finished stays as it is</returns>
    public Task<JobRun> RequestCancelAsync(long id, CancellationToken cancellationToken = default) => RequestCancelAsync(id, null, cancellationToken);

    /// <param name="by">who wishes it, for the audit log: see <see cref="AuditActor"/>; null: Pimm itself</param>
    public async Task<JobRun> RequestCancelAsync(long id, string? by, CancellationToken cancellationToken = default)
    {
        await ChangeAsync(Cancel, id, by, "run.cancel", cancellationToken);
        return await GetAsync(id, cancellationToken);
    }

    /// <summary>
    /// A failed or cancelled run starts again with all its attempts; finished steps stay finished. Runs that failed unstarted
    /// because of it wait for it again.
    /// </summary>
    /// <exception cref="InputException">the run has not failed and was not cancelled</exception>
    public Task<JobRun> RetryAsync(long id, CancellationToken cancellationToken = default) => RetryAsync(id, null, cancellationToken);

    /// <param name="by">who wishes it, for the audit log: see <see cref="AuditActor"/>; null: Pimm itself</param>
    public async Task<JobRun> RetryAsync(long id, string? by, CancellationToken cancellationToken = default)
    {
        var changed = await ChangeAsync(Retry, id, by, "run.retry", cancellationToken);
        var run = await GetAsync(id, cancellationToken);
        return changed ? run : throw new InputException($"Run {id} is {run.State}: only a failed or cancelled run can be tried again.");
    }

    private async Task<bool> ChangeAsync(string statement, long id, string? by, string action, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var changed = await connection.ExecuteAsync(statement, new { id }) == 1;
        if (changed && by is not null)
            await AuditLog.AddAsync(connection, EntryOf(by, action, id));
        await transaction.CommitAsync(cancellationToken);
        return changed;
    }

    private static AuditEntry EntryOf(string by, string action, long id, object? after = null) => new(by, action, "run", id.ToString(CultureInfo.InvariantCulture), After: after);

    /// <summary>Waits until the run has succeeded, failed or been cancelled.</summary>
    public async Task<JobRun> WaitAsync(long id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync("listen pimm_job");
        while (true)
        {
            var run = await connection.QuerySingleOrDefaultAsync<JobRun>(SelectRun, new { id }) ?? throw NoSuchRun(id);
            if (run.IsFinished)
            {
                // A pool keeps the connection open and reads nothing: after some hundred notifications its server process would
                // wait for a reader, and whoever drops a database for that process.
                await connection.ExecuteAsync("unlisten pimm_job");
                return run;
            }
            // Notifications of a lost connection are lost too, so a look now and then.
            await connection.WaitAsync(TimeSpan.FromSeconds(2), cancellationToken);
        }
    }

    private static InputException NoSuchRun(long id) => new($"There is no run {id}: see pimm runs list.");

    private const string Insert = """
        insert into job_run (kind, dedupe_key, arguments, campaign_id, logical_date, requires, after_runs, max_attempts, max_duration)
        values (@Kind, @DedupeKey, @Arguments::jsonb, @CampaignId, @LogicalDate, @Requires, @After, @MaxAttempts, @MaxDuration)
        on conflict (kind, dedupe_key) do nothing
        returning id
        """;

    private const string SelectByKey = "select id from job_run where kind = @Kind and dedupe_key = @DedupeKey";

    private const string Select = """
        select id, kind, dedupe_key, arguments, campaign_id, logical_date, requires, after_runs,
               array(select p.id from job_run p where r.state = 'queued' and p.id = any(r.after_runs) and p.state <> 'succeeded' order by p.id) as waits_for,
               state, attempt, max_attempts, max_duration, fence, owner,
               lease_until, heartbeat_at, not_before, cancel_requested,
               progress, progress_msg, result, error,
               created_at, started_at, finished_at
          from job_run r
        """;

    private const string SelectRun = $"{Select} where id = @id";

    private const string SelectSome = $"{Select} where id = any(@ids) order by id";

    private const string SelectRuns = $"""
        {Select}
         where (@campaignId::bigint is null or campaign_id = @campaignId)
           and (@kind::text is null or kind = @kind)
           and (@state::text is null or state = @state)
           and (@after::bigint is null or id < @after)
         order by id desc
         limit @limit
        """;

    private const string SelectLog = """
        select run_id, fence, seq, logged_at, level, message
          from job_run_log
         where run_id = any(@ids)
         order by run_id, fence, seq
        """;

    private const string Cancel = """
        update job_run
           set cancel_requested = true,
               state = case state when 'queued' then 'cancelled' else state end,
               finished_at = case state when 'queued' then clock_timestamp() end
         where id = @id and state in ('queued', 'running')
        """;

    private const string Retry = """
        update job_run
           set state = 'queued', attempt = 0, cancel_requested = false, not_before = clock_timestamp(),
               progress = null, progress_msg = null, result = null, error = null, started_at = null, finished_at = null
         where id = @id and state in ('failed', 'cancelled')
        """;
}
