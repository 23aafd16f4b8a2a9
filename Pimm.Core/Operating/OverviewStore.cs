using Dapper;
using Npgsql;

namespace Pimm.Core.Operating;

/// <summary>A campaign whose windows are open, or that is over and has a report.</summary>
/// <param name="Today">in its time zone</param>
/// <param name="Waves">published</param>
/// <param name="ControlDelivered">impressions that were reported as delivered; TreatmentDelivered likewise</param>
/// <param name="Report">the newest lift report as JSON; null before the first</param>
public sealed record CampaignAtWork(
    long Id, string Name, bool Simulated, DateOnly StartsOn, int Days, int WindowDays, DateOnly Today, int ImpressionsPerDay, long Waves,
    long ControlDelivered, long TreatmentDelivered, string? Report);

/// <summary>What runs of one kind did since some time.</summary>
/// <param name="Newest">the number of the newest, or of the newest failed one</param>
public sealed record NightStep(string Kind, long Succeeded, long Failed, long Open, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt, long Newest);

/// <summary>A model line's champion.</summary>
/// <param name="Description">its model.json</param>
/// <param name="Test">JSON of the test metrics in it; null: nothing was measured</param>
public sealed record ChampionNow(
    long LineId, string Line, string Audience, int Version, DateTimeOffset PromotedAt, DateTimeOffset TrainedAt, string Description, string? Test);

/// <summary>A campaign that waits for somebody's word.</summary>
/// <param name="SubmittedBy">as the audit names them</param>
public sealed record WaitingApproval(long CampaignId, string Campaign, string SubmittedBy, DateTimeOffset SubmittedAt);

/// <summary>Which first steps are done.</summary>
public sealed record FirstSteps(bool Customers, bool History, bool Models, bool Campaigns, bool Workers)
{
    /// <summary>Whoever has a campaign found the way: what else is missing its own page says.</summary>
    public bool AreDone => Campaigns;
}

/// <summary>What the home page shows of the whole installation.</summary>
public sealed class OverviewStore(NpgsqlDataSource database)
{
    /// <summary>Those that began and whose windows are open, the newest first.</summary>
    public Task<IReadOnlyList<CampaignAtWork>> RunningAsync(int limit, CancellationToken cancellationToken = default) =>
        QueryAsync<CampaignAtWork>(SelectRunning, new { limit }, cancellationToken);

    /// <summary>Those whose windows have closed and that have a report, the newest first.</summary>
    public Task<IReadOnlyList<CampaignAtWork>> FinishedAsync(int limit, CancellationToken cancellationToken = default) =>
        QueryAsync<CampaignAtWork>(SelectFinished, new { limit }, cancellationToken);

    public Task<IReadOnlyList<NightStep>> NightAsync(DateTimeOffset since, CancellationToken cancellationToken = default) =>
        QueryAsync<NightStep>(SelectNight, new { since }, cancellationToken);

    public Task<IReadOnlyList<ChampionNow>> ChampionsAsync(int limit, CancellationToken cancellationToken = default) =>
        QueryAsync<ChampionNow>(SelectChampions, new { limit }, cancellationToken);

    public Task<IReadOnlyList<WaitingApproval>> ApprovalsAsync(int limit, CancellationToken cancellationToken = default) =>
        QueryAsync<WaitingApproval>(SelectApprovals, new { limit }, cancellationToken);

    public async Task<FirstSteps> FirstStepsAsync(CancellationToken cancellationToken = default) =>
        (await QueryAsync<FirstSteps>(SelectFirstSteps, new { }, cancellationToken))[0];

    private async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken))];
    }

    private const string AtWork = """
        c.id, c.name, a.simulated, c.starts_on, c.days, c.window_days, d.today, c.impressions_per_day,
               (select count(*) from wave w where w.campaign_id = c.id) as waves,
               coalesce(came.control, 0) as control_delivered, coalesce(came.treatment, 0) as treatment_delivered,
               (select l.report::text from lift_report l where l.campaign_id = c.id order by l.version desc limit 1) as report
          from campaign c join audience a on a.id = c.audience_id
          cross join lateral (select (clock_timestamp() at time zone c.time_zone)::date as today) d
        """;

    private const string SelectRunning = $"""
        select {AtWork}
          left join lateral (
               select count(*) filter (where s.arm = 0) as control, count(*) filter (where s.arm = 1) as treatment
                 from delivery e join assignment s on s.campaign_id = e.campaign_id and s.customer = e.customer where e.campaign_id = c.id) came on true
         where c.starts_on <= d.today and d.today < c.starts_on + c.days + c.window_days
           and exists (select from wave w where w.campaign_id = c.id)
         order by c.starts_on desc, c.id desc limit @limit::int
        """;

    // Delivered impressions stand in the report.
    private const string SelectFinished = $"""
        select {AtWork}
          cross join (values (0::bigint, 0::bigint)) came(control, treatment)
         where d.today >= c.starts_on + c.days + c.window_days and exists (select from lift_report l where l.campaign_id = c.id)
         order by c.starts_on desc, c.id desc limit @limit::int
        """;

    private const string SelectNight = """
        select kind, count(*) filter (where state = 'succeeded') as succeeded, count(*) filter (where state = 'failed') as failed,
               count(*) filter (where state in ('queued', 'running')) as open, min(started_at) as started_at, max(finished_at) as finished_at,
               coalesce(max(id) filter (where state = 'failed'), max(id)) as newest
          from job_run
         where kind in ('import', 'train', 'promote', 'score', 'allocate', 'export', 'outcomes', 'lift')
           and (state in ('queued', 'running') or finished_at >= @since::timestamptz)
         group by kind
        """;

    private const string SelectChampions = """
        select l.id as line_id, l.name as line, a.name as audience, c.version, c.promoted_at, v.trained_at, v.description::text, (v.description -> 'test')::text as test
          from champion c join model_line l on l.id = c.model_line_id join model_version v on v.id = c.model_version_id join audience a on a.id = l.audience_id
         order by c.promoted_at desc, l.id limit @limit::int
        """;

    private const string SelectApprovals =
        "select campaign_id, campaign, submitted_by, submitted_at from waiting_approval order by submitted_at limit @limit::int";

    private const string SelectFirstSteps = """
        select exists (select from audience_version) as customers, exists (select from import_file where kind = 'history' and state = 'finished') as history,
               exists (select from promotion) as models, exists (select from campaign) as campaigns,
               exists (select from worker where stopped_at is null and seen_at > clock_timestamp() - interval '30 seconds') as workers
        """;
}
