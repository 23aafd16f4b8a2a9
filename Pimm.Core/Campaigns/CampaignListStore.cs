using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Campaigns;

/// <summary>What the list of campaigns shows.</summary>
/// <param name="Search">part of a name; empty: all</param>
/// <param name="State">one of <see cref="LifeStates"/>; null: any</param>
/// <param name="AudienceId">null: any</param>
/// <param name="Archived">those that were put away, or those that were not</param>
/// <param name="Sort">"newest", "name" or "starts" (the latest first day first)</param>
public sealed record CampaignListQuery(string Search = "", string? State = null, long? AudienceId = null, bool Archived = false, string Sort = CampaignListQuery.Newest)
{
    public const string Newest = "newest";

    public static IReadOnlyList<string> Sorts { get; } = [Newest, "name", "starts"];
}

/// <param name="ControlVersion">champion of the control line; null until one is trained</param>
/// <param name="StagesDone">how many of the seven stages are done</param>
/// <param name="CurrentStage">name of the first stage that is not done, null when all are</param>
/// <param name="Busy">a run of this campaign is queued or running</param>
/// <param name="LastExport">when its newest list was written</param>
/// <param name="LiftReport">newest lift report as JSON, null before the first</param>
/// <param name="Split">its customers are in arms: its definition is never changed any more</param>
/// <param name="State">one of <see cref="LifeStates"/></param>
public sealed record CampaignListRow(
    long Id, string Name, string Audience, bool Simulated, string TimeZone, DateOnly StartsOn, int Days, int WindowDays, int ImpressionsPerDay,
    string ControlName, int? ControlVersion, string TreatmentName, int? TreatmentVersion, string CreatedBy, bool Archived,
    long StagesDone, string? CurrentStage, bool Busy, DateTimeOffset? LastExport, string? LiftReport, bool Split, string State);

/// <summary>The list of campaigns, and what is put away of it.</summary>
public sealed class CampaignListStore(NpgsqlDataSource database, TimeProvider time)
{
    // The view of lives is looked at only where somebody asks for a state: it costs more than all the rest.
    private const string Found =
        """
        from campaign c
         where (@Search = '' or position(lower(@Search) in lower(c.name)) > 0)
           and (@AudienceId::bigint is null or c.audience_id = @AudienceId)
           and (c.archived_at is not null) = @Archived
           and (@State::text is null or exists (select from campaign_life i where i.campaign_id = c.id and i.state = @State))
        """;

    private const string SelectRows =
        $"""
        with page as (
            select c.id, row_number() over (order by case when @Sort = 'name' then lower(c.name) end, case when @Sort = 'starts' then c.starts_on end desc, c.id desc) as place
            {Found}
            order by place limit @limit offset @offset)
        select c.id, c.name, a.name as audience, a.simulated, c.time_zone, c.starts_on, c.days, c.window_days, c.impressions_per_day,
               k.name as control_name, kv.version as control_version, t.name as treatment_name, tv.version as treatment_version,
               c.created_by, c.archived_at is not null as archived,
               s.done as stages_done, s.current as current_stage, s.busy,
               (select max(e.exported_at) from export e where e.campaign_id = c.id) as last_export,
               (select l.report::text from lift_report l where l.campaign_id = c.id order by l.version desc limit 1) as lift_report,
               exists (select from allocation d where d.campaign_id = c.id) as split, i.state
          from page
          join campaign c on c.id = page.id
          join audience a on a.id = c.audience_id
          join model_line k on k.id = c.control_line_id
          join model_line t on t.id = c.treatment_line_id
          join campaign_life i on i.campaign_id = c.id
          left join champion kv on kv.model_line_id = k.id
          left join champion tv on tv.model_line_id = t.id
          join lateral (
               select count(*) filter (where g.state = 'done') as done,
                      (array_agg(g.stage order by g.ordinal) filter (where g.state <> 'done'))[1] as current,
                      bool_or(g.state in ('queued', 'running')) as busy
                 from campaign_stage g where g.campaign_id = c.id) s on true
         order by page.place
        """;

    private const string CountRows = $"select count(*) {Found}";

    private const string SelectName = "select name from campaign where id = @id for update";

    private const string SelectAtWork =
        """
        select exists (select from allocation d where d.campaign_id = @id)
               and not exists (select from campaign_life l where l.campaign_id = @id and l.state = 'stopped')
               and (select count(*) filter (where g.state = 'done') < 7 from campaign_stage g where g.campaign_id = @id)
        """;

    private const string SetArchived = "update campaign set archived_at = @at where id = @id and (archived_at is null) = (@at::timestamptz is not null)";

    public async Task<IReadOnlyList<CampaignListRow>> ListAsync(CampaignListQuery query, int offset, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<CampaignListRow>(new CommandDefinition(
            SelectRows, new { query.Search, query.State, query.AudienceId, query.Archived, query.Sort, offset, limit }, cancellationToken: cancellationToken))];
    }

    public async Task<long> CountAsync(CampaignListQuery query, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountRows, query, cancellationToken: cancellationToken));
    }

    /// <summary>Puts a campaign away, or fetches it back; lists hide it, nothing else changes.</summary>
    /// <param name="by">as the audit names whoever asks</param>
    /// <returns>its name</returns>
    /// <exception cref="InputException">there is no such campaign, or it is at work</exception>
    public async Task<string> ArchiveAsync(long id, bool archived, string by, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var name = await connection.ExecuteScalarAsync<string?>(SelectName, new { id })
            ?? throw new InputException($"There is no campaign {id}: it cannot be put away.");
        if (archived && await connection.ExecuteScalarAsync<bool>(SelectAtWork, new { id }))
        {
            throw new InputException($"Campaign \"{name}\" is running: it can be put away when it is finished, stopped or was never split.");
        }
        if (await connection.ExecuteAsync(SetArchived, new { id, at = archived ? time.GetUtcNow() : (DateTimeOffset?)null }) > 0)
        {
            await AuditLog.AddAsync(connection, new AuditEntry(by, archived ? "campaign.archive" : "campaign.unarchive", "campaign", id.ToString(CultureInfo.InvariantCulture)));
        }
        await transaction.CommitAsync(cancellationToken);
        return name;
    }
}
