using Dapper;
using Npgsql;
using Pimm.Core.Suppressing;

namespace Pimm.Core.Erasing;

/// <summary>How many customers have agreed to a purpose on a channel, and how many took it back, as it stands.</summary>
public sealed record ConsentCount(string Purpose, string Channel, long Granted, long Withdrawn);

/// <summary>An erasure as a list shows it.</summary>
/// <param name="FinishedAt">null: it is under way</param>
/// <param name="Counts">rows and files by store so far, as JSON</param>
/// <param name="RunState">of the newest run for it; null: retention removed the run</param>
public sealed record ErasureSummary(
    Guid Customer, DateTimeOffset RequestedAt, string RequestedBy, DateTimeOffset? FinishedAt, string Counts, long? RunId, string? RunState, string? RunMessage, string? RunError);

/// <summary>What a campaign did with a person.</summary>
/// <param name="Arm">0 control, 1 treatment</param>
/// <param name="Flagged">held back in this campaign</param>
/// <param name="Exported">waves whose list named the person</param>
/// <param name="Delivered">impressions that a channel reported</param>
/// <param name="Labels">stages that were reported of impressions</param>
public sealed record PersonCampaign(long Id, string Name, short Arm, bool Flagged, long Exported, long Delivered, long Labels);

/// <summary>An outcome of a person in an audience.</summary>
public sealed record PersonOutcomes(long AudienceId, string Audience, long Outcomes, DateTimeOffset First, DateTimeOffset Last);

/// <summary>What the page on privacy counts and lists.</summary>
public sealed class PrivacyStore(NpgsqlDataSource database)
{
    private const string SelectConsents =
        """
        select purpose, channel, count(*) filter (where granted) as granted, count(*) filter (where not granted) as withdrawn
          from consent_now group by purpose, channel order by purpose, channel limit 200
        """;

    private const string SelectErasures =
        """
        select e.customer, e.requested_at, e.requested_by, e.finished_at, e.counts::text as counts, r.id as run_id, r.state as run_state, r.progress_msg as run_message, split_part(r.error, E'\n', 1) as run_error
          from erasure e
          left join lateral (select * from job_run o where o.kind = 'erase' and o.arguments ->> 'customer' = e.customer::text order by o.id desc limit 1) r on true
         order by e.finished_at is not null, e.requested_at desc offset @offset limit @limit
        """;

    private const string CountErasures = "select count(*) from erasure";

    private const string SelectSuppressions =
        "select id, kind, customer, blind_index, channel, reason, source, recorded_by, at from suppression_now order by id desc offset @offset limit @limit";

    private const string SelectCampaigns =
        """
        select k.id, k.name, a.arm, a.flagged,
               (select count(*) from wave_plan p where p.customer = a.customer and p.campaign_id = k.id and p.policy = p.arm and p.action = 1) as exported,
               (select count(*) from delivery d where d.customer = a.customer and d.campaign_id = k.id) as delivered,
               (select count(*) from funnel_label l where l.customer = a.customer and l.campaign_id = k.id) as labels
          from assignment a join campaign k on k.id = a.campaign_id
         where a.customer = @customer order by k.id desc limit 200
        """;

    private const string SelectOutcomes =
        """
        select o.audience_id, a.name as audience, count(*) as outcomes, min(o.occurred_at) as first, max(o.occurred_at) as last
          from customer_outcome o join audience a on a.id = o.audience_id
         where o.customer = @customer group by 1, 2 order by 1
        """;

    public Task<IReadOnlyList<ConsentCount>> ConsentsAsync(CancellationToken cancellationToken = default) => QueryAsync<ConsentCount>(SelectConsents, new { }, cancellationToken);

    /// <summary>Those under way first, then the newest.</summary>
    public Task<IReadOnlyList<ErasureSummary>> ErasuresAsync(int offset, int limit, CancellationToken cancellationToken = default) =>
        QueryAsync<ErasureSummary>(SelectErasures, new { offset, limit }, cancellationToken);

    public async Task<long> CountErasuresAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountErasures, cancellationToken: cancellationToken));
    }

    /// <summary>The newest first.</summary>
    public Task<IReadOnlyList<Suppression>> SuppressionsAsync(int offset, int limit, CancellationToken cancellationToken = default) =>
        QueryAsync<Suppression>(SelectSuppressions, new { offset, limit }, cancellationToken);

    public Task<IReadOnlyList<PersonCampaign>> CampaignsAsync(Guid customer, CancellationToken cancellationToken = default) =>
        QueryAsync<PersonCampaign>(SelectCampaigns, new { customer }, cancellationToken);

    public Task<IReadOnlyList<PersonOutcomes>> OutcomesAsync(Guid customer, CancellationToken cancellationToken = default) =>
        QueryAsync<PersonOutcomes>(SelectOutcomes, new { customer }, cancellationToken);

    private async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object values, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<T>(new CommandDefinition(sql, values, cancellationToken: cancellationToken))];
    }
}
