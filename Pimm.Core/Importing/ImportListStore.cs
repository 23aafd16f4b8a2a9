using Dapper;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>A file on its way in, taken in, refused, taken away again, or waiting for somebody's word.</summary>
/// <param name="ImportId">null until its rows are being read</param>
/// <param name="DraftId">of a file that was mapped and is not taken in yet</param>
/// <param name="UploadId">of a file that was sent and is not taken in yet</param>
/// <param name="Kind">customers, history or outcomes; empty of a file that was only sent</param>
/// <param name="State">finished, bad-rows (finished with some put aside), undone, uploaded (not mapped), checked (waits for somebody to apply it), refused (by its check), or a run's state</param>
/// <param name="Reason">why a run failed or a file was refused; values in it are masked</param>
/// <param name="Template">the saved mapping that was used, as it stands now</param>
public sealed record ImportListRow(
    long? ImportId, long? RunId, long? DraftId, long? UploadId, string FileName, string Kind, string? Audience, string? By, DateTimeOffset At, string State,
    long Received, long Created, long Updated, long Skipped, long Quarantined, long Warnings, float? Progress, string? Reason, string? Template);

/// <summary>An audience that a file may be for.</summary>
/// <param name="Version">the newest; null: no customers yet</param>
/// <param name="NextVersion">that a file of customers would make; numbers of versions that were undone do not come again</param>
public sealed record AudienceChoice(long Id, string Name, int? Version, long Customers, int NextVersion);

/// <summary>What was imported and is being imported, newest first.</summary>
public sealed class ImportListStore(NpgsqlDataSource database)
{
    // A run that ended without a file of its own was refused; of an upload only the newest draft waits.
    private const string Listed =
        """
        listed as (
            select f.id as import_id, f.run_id, null::bigint as draft_id, null::bigint as upload_id, f.file_name, f.kind, f.audience_id, null::text as new_audience,
                   f.imported_by as by, f.imported_at as at,
                   case when f.undone_at is not null then 'undone'
                        when f.state = 'reading' then coalesce(r.state, 'failed')
                        when f.quarantined > 0 then 'bad-rows' else 'finished' end as state,
                   f.received, f.created, f.updated, f.skipped, f.quarantined, f.warnings, case when f.state = 'reading' then r.progress end as progress, null::text as reason, f.settings
              from import_file f left join job_run r on r.id = f.run_id
            union all
            select null, r.id, d.id, (d.request ->> 'uploadId')::bigint, coalesce(r.arguments ->> 'name', regexp_replace(r.arguments ->> 'path', '^.*/', '')), coalesce(r.arguments ->> 'kind', 'outcomes'),
                   (r.arguments ->> 'audienceId')::bigint, null, r.arguments ->> 'by', r.created_at, r.state, 0, 0, 0, 0, 0, 0, r.progress, split_part(r.error, E'\n', 1), ''
              from job_run r left join import_draft d on d.apply_run_id = r.id
             where r.kind in ('import', 'outcomes') and r.state <> 'succeeded' and r.arguments ->> 'draftId' is null
               and not exists (select from import_file f where f.run_id = r.id)
            union all
            select null, d.check_run_id, d.id, u.id, u.file_name, coalesce(d.request ->> 'kind', ''), (d.request ->> 'audienceId')::bigint, d.request ->> 'audienceName',
                   u.uploaded_by, coalesce(d.created_at, u.uploaded_at),
                   case when d.id is null then 'uploaded' when d.checked is null then coalesce(r.state, 'failed') when d.checked ->> 'refusal' is null then 'checked' else 'refused' end,
                   0, 0, 0, 0, 0, 0, r.progress, d.checked ->> 'refusal', ''
              from upload u
              left join lateral (select * from import_draft n where n.request ->> 'uploadId' = u.id::text order by n.id desc limit 1) d on true
              left join job_run r on r.id = d.check_run_id
             where u.removed_at is null and d.applied_at is null),
        shown as (
            select l.*, coalesce(a.name, l.new_audience) as audience from listed l left join audience a on a.id = l.audience_id
             where @search = '' or position(lower(@search) in lower(l.file_name)) > 0 or position(lower(@search) in lower(coalesce(a.name, l.new_audience))) > 0)
        """;

    private const string SelectPage =
        "with " + Listed +
        """
        , page as (select * from shown order by at desc, import_id desc offset @offset limit @limit)
        select p.import_id, p.run_id, p.draft_id, p.upload_id, p.file_name, p.kind, p.audience, p.by, p.at, p.state,
               p.received, p.created, p.updated, p.skipped, p.quarantined, p.warnings, p.progress, p.reason,
               (select t.name from import_template t
                 where t.kind = p.kind and p.settings like '{%' and t.mapping = (p.settings::jsonb ->> 'Mapping')::jsonb
                 order by t.saved_at <= p.at desc, t.saved_at desc limit 1) as template
          from page p order by p.at desc, p.import_id desc
        """;

    private const string CountAll = "with " + Listed + " select count(*) from shown";

    private const string SelectAudiences =
        """
        select a.id, a.name, v.version, coalesce(v.customers, 0) as customers,
               1 + greatest(0, v.version, (select max(f.version) from import_file f where f.audience_id = a.id)) as next_version
          from audience a
          left join lateral (select version, customers from audience_version where audience_id = a.id order by version desc limit 1) v on true
         order by a.name limit 1000
        """;

    /// <param name="search">part of a file's or an audience's name; empty: all</param>
    public async Task<IReadOnlyList<ImportListRow>> ListAsync(string search, int offset, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ImportListRow>(new CommandDefinition(SelectPage, new { search, offset, limit }, cancellationToken: cancellationToken))];
    }

    public async Task<long> CountAsync(string search, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountAll, new { search }, cancellationToken: cancellationToken));
    }

    /// <summary>The audiences that a file may be for, by name.</summary>
    public async Task<IReadOnlyList<AudienceChoice>> AudiencesAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<AudienceChoice>(new CommandDefinition(SelectAudiences, cancellationToken: cancellationToken))];
    }
}
