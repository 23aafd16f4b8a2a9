using Dapper;
using Npgsql;

namespace Pimm.Core.Notifying;

/// <summary>Something that somebody should look at.</summary>
/// <param name="Kind">run-failed, schedule, night-missed, lift-alarm, outcomes-stale, approval-waiting, quota-unfilled, disk-low or worker-gone</param>
/// <param name="Severity">information, warning or error</param>
/// <param name="Object">where it leads: run, schedule, campaign, worker or disk</param>
/// <param name="ResolvedAt">when its cause was gone; null: it is not</param>
/// <param name="Seen">by whoever asks</param>
public sealed record Notice(
    long Id, string Kind, string Severity, string Text, string Object, long? ObjectId, DateTimeOffset RaisedAt, DateTimeOffset? ResolvedAt, bool Seen);

/// <summary>A cause that stands now, beside those that the database knows itself.</summary>
/// <param name="Cause">what it is about, to the letter: one notice of it is open at a time</param>
public sealed record NoticeCause(string Kind, string Severity, string Cause, string Text, string Object);

/// <summary>Notices for people; what webhooks are told is in <see cref="WebhookStore"/>.</summary>
public sealed class NoticeStore(NpgsqlDataSource database)
{
    public const string DiskLow = "disk-low";
    public const string Schedule = "schedule";

    /// <summary>Open ones first, the newest of each first.</summary>
    /// <param name="resolved">those too whose cause is gone</param>
    public async Task<IReadOnlyList<Notice>> ListAsync(long userId, bool resolved, int offset, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Notice>(new CommandDefinition(SelectPage, new { userId, resolved, offset, limit }, cancellationToken: cancellationToken))];
    }

    /// <returns>open ones, open ones that the user has not seen, and all</returns>
    public async Task<(long Open, long Unseen, long All)> CountAsync(long userId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleAsync<(long, long, long)>(new CommandDefinition(Count, new { userId }, cancellationToken: cancellationToken));
    }

    public async Task SeeAllAsync(long userId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(SeeAll, new { userId }, cancellationToken: cancellationToken));
    }

    /// <summary>Raises what is new, resolves what is gone, forgets what was resolved long ago; one process at a time.</summary>
    /// <param name="others">causes that the database does not know</param>
    /// <param name="machine">whose disks were looked at: other machines' notices of theirs stay</param>
    public async Task ApplyAsync(IReadOnlyList<NoticeCause> others, string machine, int keepDays, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await connection.ExecuteScalarAsync<bool>("select pg_try_advisory_xact_lock(hashtext('pimm notices'))"))
            return;
        await connection.ExecuteAsync(new CommandDefinition(Apply, new
        {
            kinds = others.Select(cause => cause.Kind).ToArray(),
            severities = others.Select(cause => cause.Severity).ToArray(),
            causes = others.Select(cause => cause.Cause).ToArray(),
            texts = others.Select(cause => cause.Text).ToArray(),
            objects = others.Select(cause => cause.Object).ToArray(),
            disks = DiskCause(machine, ""),
            keepDays,
        }, cancellationToken: cancellationToken));
        await transaction.CommitAsync(cancellationToken);
    }

    public static string DiskCause(string machine, string folder) => $"disk/{machine}/{folder}";

    private const string SelectPage = """
        select a.id, a.kind, a.severity, a.text, a.object, a.object_id, a.raised_at, a.resolved_at,
               exists (select from attention_seen s where s.attention_id = a.id and s.user_id = @userId) as seen
          from attention a
         where @resolved or a.resolved_at is null
         order by a.resolved_at is not null, a.raised_at desc, a.id desc
         limit @limit offset @offset
        """;

    private const string Count = """
        select count(*) filter (where a.resolved_at is null),
               count(*) filter (where a.resolved_at is null and not exists (select from attention_seen s where s.attention_id = a.id and s.user_id = @userId::bigint)),
               count(*)
          from attention a
        """;

    private const string SeeAll = """
        insert into attention_seen (attention_id, user_id) select id, @userId from attention where resolved_at is null
        on conflict do nothing
        """;

    // A schedule that is in trouble, or was in that night, has been told: the nights it missed are the same cause.
    private const string Apply = """
        with found as materialized (
               select kind, severity, cause, text, object, object_id from attention_cause c
                where not (kind = 'night-missed' and exists (
                          select from schedule s join schedule_outlook o on o.schedule_id = s.id
                           cross join lateral (select array['schedule/' || s.name || '/error', 'schedule/' || s.name || '/refused', 'schedule/' || s.name || '/late'] as causes) trouble
                           where s.id = c.object_id
                             and (trouble.causes && @causes::text[]
                                  or exists (select from attention a where a.cause = any(trouble.causes) and coalesce(a.resolved_at, 'infinity') > o.missed_at[cardinality(o.missed_at)]))))
               union all
               select kind, severity, cause, text, object, null
                 from unnest(@kinds::text[], @severities::text[], @causes::text[], @texts::text[], @objects::text[]) other(kind, severity, cause, text, object)),
             raised as (
               insert into attention (kind, severity, cause, text, object, object_id) select kind, severity, cause, text, object, object_id from found
               on conflict (cause) where resolved_at is null do update set text = excluded.text, severity = excluded.severity where attention.text <> excluded.text),
             forgotten as (delete from attention where resolved_at < clock_timestamp() - make_interval(days => @keepDays))
        update attention a set resolved_at = clock_timestamp()
         where a.resolved_at is null and not exists (select from found f where f.cause = a.cause)
           and (a.kind <> 'disk-low' or starts_with(a.cause, @disks))
        """;
}
