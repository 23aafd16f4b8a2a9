using Dapper;
using Npgsql;

namespace Pimm.Core.Queueing;

/// <summary>The worker's side of job_run: claim, heartbeat, the ways an attempt ends, and the sweep for leases nobody renews.</summary>
/// <remarks>All times are the database's clock. Every statement but the claim and the sweep is guarded by the fence.</remarks>
public sealed class LeaseStore(NpgsqlDataSource leases, TimeProvider? clock = null)
{
    private readonly LeaseOutage outage = new(clock ?? TimeProvider.System);

    /// <summary>The oldest run that may be taken, or null. Several claimers never get the same one.</summary>
    public async Task<ClaimedRun?> ClaimAsync(IReadOnlyList<string> kinds, string owner, QueueingOptions options, CancellationToken cancellationToken)
    {
        var expired = outage.IsOver(options.RestartGrace);
        return await OnLeasesAsync(connection => connection.QuerySingleOrDefaultAsync<ClaimedRun>(new CommandDefinition(
            Claim, new { kinds, owner, options.Capabilities, options.Lease, options.RestartGrace, expired }, cancellationToken: cancellationToken)), cancellationToken);
    }

    /// <summary>Renews the lease. False: go on; true: somebody wants the run cancelled; null: the run is no longer ours.</summary>
    internal async Task<bool?> BeatAsync(ClaimedRun run, TimeSpan lease, float? progress, string? message, IReadOnlyList<PendingLogLine> log, CancellationToken cancellationToken)
    {
        return await OnLeasesAsync(connection => connection.QuerySingleOrDefaultAsync<bool?>(new CommandDefinition(Beat, new
        {
            run.Id,
            run.Fence,
            lease,
            progress,
            message,
            Seqs = log.Select(line => line.Seq).ToArray(),
            Levels = log.Select(line => line.Level).ToArray(),
            Messages = log.Select(line => line.Message).ToArray()
        }, cancellationToken: cancellationToken)), cancellationToken);
    }

    /// <summary>Back to the queue as if never claimed.</summary>
    public Task<bool> HandBackAsync(ClaimedRun run) => EndAsync(HandBack, new { run.Id, run.Fence });

    /// <summary>Back to the queue after <paramref name="delay"/>, or failed when no attempt is left.</summary>
    public Task<bool> RetryLaterAsync(ClaimedRun run, string error, TimeSpan delay) => EndAsync(RetryLater, new { run.Id, run.Fence, error, delay });

    public Task<bool> FailAsync(ClaimedRun run, string error) => EndAsync(Fail, new { run.Id, run.Fence, error });

    public Task<bool> CancelAsync(ClaimedRun run) => EndAsync(Cancel, new { run.Id, run.Fence });

    /// <summary>Whether this very attempt did, as when the answer to its last commit was lost.</summary>
    internal Task<bool> HasSucceededAsync(ClaimedRun run) =>
        OnLeasesAsync(connection => connection.ExecuteScalarAsync<bool>(SelectSuccess, new { run.Id, run.Fence }), CancellationToken.None);

    /// <summary>Ends or re-queues every run whose worker has fallen silent; none soon after an outage that this worker saw.</summary>
    /// <returns>how many</returns>
    public async Task<int> ReapAsync(TimeSpan restartGrace, CancellationToken cancellationToken)
    {
        var expired = outage.IsOver(restartGrace);
        return await OnLeasesAsync(connection => connection.ExecuteAsync(new CommandDefinition(Reap, new { restartGrace, expired }, cancellationToken: cancellationToken)), cancellationToken);
    }

    /// <summary>
    /// Takes the fence row <c>for share</c>. The last statement before COMMIT: held through a long effect it would keep the
    /// heartbeat's UPDATE waiting until the lease is lost.
    /// </summary>
    internal static async Task<bool> HoldsAsync(ClaimedRun run, NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken) =>
        await connection.ExecuteScalarAsync<long?>(new CommandDefinition(Hold, new { run.Id, run.Fence }, transaction, cancellationToken: cancellationToken)) is not null;

    /// <summary>Result, final state and the lines that no heartbeat took along, in the transaction of the run's last effect.</summary>
    internal static async Task<bool> SucceedAsync(
        ClaimedRun run, string? result, IReadOnlyList<PendingLogLine> log, NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        if (await connection.ExecuteAsync(new CommandDefinition(Succeed, new { run.Id, run.Fence, result }, transaction, cancellationToken: cancellationToken)) != 1)
            return false;
        await connection.ExecuteAsync(new CommandDefinition(InsertLine, log.Select(line => new { run.Id, run.Fence, line.Seq, line.Level, line.Message }), transaction, cancellationToken: cancellationToken));
        return true;
    }

    internal static async Task<bool> HasStepAsync(ClaimedRun run, string step, NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await connection.ExecuteScalarAsync<bool>(new CommandDefinition(SelectStep, new { run.Id, step }, cancellationToken: cancellationToken));

    internal static Task AddStepAsync(ClaimedRun run, string step, NpgsqlConnection connection) =>
        connection.ExecuteAsync(InsertStep, new { run.Id, run.Fence, step });

    internal static Task SetCheckpointAsync(ClaimedRun run, string uri, byte[] sha256, NpgsqlConnection connection) =>
        connection.ExecuteAsync(UpdateCheckpoint, new { run.Id, run.Fence, uri, sha256 });

    internal static async Task<(DateTimeOffset CreatedAt, string? CheckpointUri)> OriginAsync(ClaimedRun run, NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await connection.QuerySingleAsync<(DateTimeOffset, string?)>(new CommandDefinition(SelectOrigin, new { run.Id }, cancellationToken: cancellationToken));

    private Task<bool> EndAsync(string statement, object parameters) =>
        OnLeasesAsync(async connection => await connection.ExecuteAsync(statement, parameters) == 1, CancellationToken.None);

    private Task<T> OnLeasesAsync<T>(Func<NpgsqlConnection, Task<T>> act, CancellationToken cancellationToken) => outage.WatchAsync(async () =>
    {
        await using var connection = await leases.OpenConnectionAsync(cancellationToken);
        return await act(connection);
    });

    private const string Claim = """
        update job_run
           set state = 'running', attempt = attempt + 1, fence = fence + 1, owner = @owner,
               started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + @Lease,
               progress = null, progress_msg = null
         where id = (select id from job_run
                      where kind = any(@kinds) and requires <@ @Capabilities::text[] and not_before <= clock_timestamp()
                        and attempt < max_attempts and not cancel_requested
                        and not exists (select from job_run p where p.id = any(job_run.after_runs) and p.state <> 'succeeded')
                        and (state = 'queued'
                             or (state = 'running' and lease_until < clock_timestamp() and @expired
                                 and clock_timestamp() > pg_postmaster_start_time() + @RestartGrace))
                      order by id limit 1 for update skip locked)
        returning id, kind, fence, attempt, max_attempts, arguments, campaign_id, logical_date, max_duration
        """;

    private const string Beat = """
        with beat as (
          update job_run
             set heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + @lease,
                 progress = coalesce(@progress::real, progress), progress_msg = coalesce(@message::text, progress_msg)
           where id = @Id and fence = @Fence and state = 'running'
          returning cancel_requested),
        logged as (
          insert into job_run_log (run_id, fence, seq, level, message)
          select @Id::bigint, @Fence::bigint, line.seq, line.level, line.message
            from unnest(@Seqs::int[], @Levels::text[], @Messages::text[]) as line(seq, level, message)
           where exists (select from beat)
          on conflict do nothing)
        select cancel_requested from beat
        """;

    private const string HandBack = """
        update job_run
           set state = case when cancel_requested then 'cancelled' else 'queued' end,
               finished_at = case when cancel_requested then clock_timestamp() end,
               attempt = greatest(attempt - 1, 0), owner = null, lease_until = null
         where id = @Id and fence = @Fence and state = 'running'
        """;

    private const string RetryLater = """
        update job_run
           set state = case when cancel_requested then 'cancelled' when attempt < max_attempts then 'queued' else 'failed' end,
               finished_at = case when attempt < max_attempts and not cancel_requested then null else clock_timestamp() end,
               not_before = clock_timestamp() + @delay, error = @error, owner = null, lease_until = null
         where id = @Id and fence = @Fence and state = 'running'
        """;

    private const string Fail = """
        update job_run
           set state = 'failed', error = @error, finished_at = clock_timestamp(), owner = null, lease_until = null
         where id = @Id and fence = @Fence and state = 'running'
        """;

    private const string Cancel = """
        update job_run
           set state = 'cancelled', finished_at = clock_timestamp(), owner = null, lease_until = null
         where id = @Id and fence = @Fence and state = 'running'
        """;

    private const string Reap = """
        update job_run
           set state = case when cancel_requested then 'cancelled' when attempt < max_attempts then 'queued' else 'failed' end,
               finished_at = case when cancel_requested or attempt >= max_attempts then clock_timestamp() end,
               error = case when cancel_requested or attempt < max_attempts then error
                            else format('The worker %s stopped answering in attempt %s of %s: look at its log, then try the run again.', owner, attempt, max_attempts) end,
               owner = null, lease_until = null
         where id in (select id from job_run
                       where state = 'running' and lease_until < clock_timestamp() and @expired
                         and clock_timestamp() > pg_postmaster_start_time() + @restartGrace
                       for update skip locked)
        """;

    private const string Hold = "select id from job_run where id = @Id and fence = @Fence and state = 'running' for share";

    private const string Succeed = """
        update job_run
           set state = 'succeeded', result = @result::jsonb, progress = 1, error = null, finished_at = clock_timestamp(),
               owner = null, lease_until = null
         where id = @Id and fence = @Fence and state = 'running'
        """;

    private const string InsertLine =
        "insert into job_run_log (run_id, fence, seq, level, message) values (@Id, @Fence, @Seq, @Level, @Message) on conflict do nothing";

    private const string SelectSuccess = "select exists (select from job_run where id = @Id and fence = @Fence and state = 'succeeded')";

    private const string SelectStep = "select exists (select from job_run_step where run_id = @Id and step = @step)";

    private const string UpdateCheckpoint =
        "update job_run set checkpoint_uri = @uri, checkpoint_sha256 = @sha256 where id = @Id and fence = @Fence and state = 'running'";

    private const string SelectOrigin = "select created_at, checkpoint_uri from job_run where id = @Id";

    private const string InsertStep = "insert into job_run_step (run_id, step, fence) values (@Id, @step, @Fence)";
}
