using Dapper;
using Npgsql;

namespace Pimm.Core.Queueing;

/// <summary>Which runs a list shows.</summary>
/// <param name="State">null: any</param>
/// <param name="Kind">null: all but routine ones that went well; "*": all</param>
/// <param name="Campaign">part of a campaign's name; empty: any, and none</param>
/// <param name="From">asked for on this day or later, UTC</param>
/// <param name="To">asked for on this day or earlier, UTC</param>
public sealed record RunFilter(string? State = null, string? Kind = null, string Campaign = "", DateOnly? From = null, DateOnly? To = null)
{
    public const string All = "*";
}

/// <summary>A run as a list shows it.</summary>
/// <param name="Sentence">why its last attempt failed</param>
/// <param name="Open">runs that it waits for</param>
public sealed record RunRow(
    long Id, string Kind, string State, long? CampaignId, string? Campaign, DateOnly? LogicalDate, float? Progress, string? Message, string? Sentence,
    int Attempt, int MaxAttempts, int Open, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt);

/// <summary>One try of a run.</summary>
/// <param name="Version">of the worker's code</param>
/// <param name="EndedAs">succeeded, failed, cancelled, handed back by a worker that stopped, or taken over from one that fell silent; null: it goes on</param>
public sealed record RunAttempt(long Fence, int Attempt, string? Owner, string? Version, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, string? EndedAs, string? Error);

/// <summary>What a run left behind.</summary>
/// <param name="What">model, scoring, wave, list, import, report or judgement</param>
/// <param name="Id">of the model's line, the import or the version of the report; 0 where nothing has a page of its own</param>
public sealed record RunProduct(string What, long Id, long? CampaignId, string Text);

/// <summary>Runs for whoever looks at them.</summary>
public sealed class RunListStore(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<RunRow>> ListAsync(RunFilter filter, int offset, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<RunRow>(new CommandDefinition(SelectPage, Parameters(filter, offset, limit), cancellationToken: cancellationToken))];
    }

    public async Task<long> CountAsync(RunFilter filter, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountAll, Parameters(filter, 0, 0), cancellationToken: cancellationToken));
    }

    public async Task<IReadOnlyList<string>> KindsAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<string>(new CommandDefinition("select distinct kind from job_run order by 1", cancellationToken: cancellationToken))];
    }

    /// <summary>Those that it waits for, or those that wait for it, by number.</summary>
    public async Task<(IReadOnlyList<RunRow> Before, IReadOnlyList<RunRow> After)> ChainAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (
            [.. await connection.QueryAsync<RunRow>(new CommandDefinition(SelectBefore, new { id }, cancellationToken: cancellationToken))],
            [.. await connection.QueryAsync<RunRow>(new CommandDefinition(SelectAfter, new { id }, cancellationToken: cancellationToken))]);
    }

    public async Task<IReadOnlyList<RunAttempt>> AttemptsAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<RunAttempt>(new CommandDefinition(SelectAttempts, new { id }, cancellationToken: cancellationToken))];
    }

    public async Task<IReadOnlyList<RunProduct>> ProductsAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<RunProduct>(new CommandDefinition(SelectProducts, new { id }, cancellationToken: cancellationToken))];
    }

    /// <summary>The median of the last 20 of its kind that succeeded, itself not counted; null below three of them.</summary>
    public async Task<TimeSpan?> UsualAsync(JobRun run, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<TimeSpan?>(new CommandDefinition(SelectUsual, new { run.Id, run.Kind }, cancellationToken: cancellationToken));
    }

    private static object Parameters(RunFilter filter, int offset, int limit) => new
    {
        filter.State, filter.Kind, filter.Campaign, offset, limit,
        after = filter.From?.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc), before = filter.To?.AddDays(1).ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc),
    };

    private const string Row = """
        r.id, r.kind, r.state, r.campaign_id, c.name as campaign, r.logical_date, r.progress, r.progress_msg as message,
               case when r.state in ('failed', 'queued') then split_part(r.error, E'\n', 1) end as sentence, r.attempt, r.max_attempts,
               (select count(*)::int from job_run p where r.state = 'queued' and p.id = any(r.after_runs) and p.state <> 'succeeded') as open,
               r.created_at, r.started_at, r.finished_at
          from job_run r left join campaign c on c.id = r.campaign_id
        """;

    private const string Where = """
         where (@State::text is null or r.state = @State)
           and (case when @Kind::text is null then r.kind not in ('collect', 'retain', 'score-shard') or r.state <> 'succeeded' else @Kind = '*' or r.kind = @Kind end)
           and (@Campaign::text = '' or position(lower(@Campaign) in lower(c.name)) > 0)
           and (@after::timestamptz is null or r.created_at >= @after) and (@before::timestamptz is null or r.created_at < @before)
        """;

    private const string SelectPage = $"select {Row}\n{Where} order by r.id desc offset @offset limit @limit";

    private const string CountAll = $"select count(*) from job_run r left join campaign c on c.id = r.campaign_id\n{Where}";

    private const string SelectBefore = $"select {Row} where r.id = any(select unnest(x.after_runs) from job_run x where x.id = @id::bigint) order by r.id";

    private const string SelectAfter = $"select {Row} where r.after_runs @> array[@id::bigint] and r.after_runs <> '{{}}' order by r.id";

    private const string SelectAttempts =
        "select fence, attempt, owner, version, started_at, ended_at, ended_as, error from job_run_attempt where run_id = @id order by fence desc limit 50";

    private const string SelectProducts = """
        select 'model' as what, v.model_line_id as id, null::bigint as campaign_id, l.name || ' v' || v.version as text
          from model_version v join model_line l on l.id = v.model_line_id where v.run_id = @id
        union all select 'import', f.id, null, f.file_name from import_file f where f.run_id = @id
        union all select 'scoring', 0, s.campaign_id, to_char(s.customers, 'FM999,999,999,990') from scoring s where s.run_id = @id and s.finished_at is not null
        union all select 'wave', 0, w.campaign_id, w.wave_date::text from wave w where w.run_id = @id
        union all select 'list', 0, e.campaign_id, e.wave_date || ', ' || case e.arm when 1 then 'treatment' else 'control' end || ', ' || e.channel from export e where e.run_id = @id
        union all select 'report', r.version, r.campaign_id, 'v' || r.version from lift_report r where r.run_id = @id
        union all select 'judgement', j.model_line_id, null, j.sentence from promotion_judgement j where j.run_id = @id
        limit 100
        """;

    private const string SelectUsual = """
        select percentile_disc(0.5) within group (order by took)
          from (select r.finished_at - r.started_at as took from job_run r
                 where r.kind = @Kind and r.state = 'succeeded' and r.id <> @Id order by r.id desc limit 20) last
        having count(*) >= 3
        """;
}
