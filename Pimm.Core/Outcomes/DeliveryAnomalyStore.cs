using Dapper;
using Npgsql;

namespace Pimm.Core.Outcomes;

/// <summary>Counts what was delivered beside the plans.</summary>
public sealed class DeliveryAnomalyStore(NpgsqlDataSource database)
{
    private const string SelectAnomalies =
        """
        with stray as (
            select a.arm
              from stray_delivery s
              left join assignment a on a.customer = s.customer and a.campaign_id = s.campaign_id
             where s.campaign_id = @campaignId and not exists (
                   select from delivery d where d.customer = s.customer and d.campaign_id = s.campaign_id and d.wave_date = s.wave_date)),
        -- Whom the other campaign reached does not depend on the arm here; whom both reached does.
        shared as (
            select a.arm, bool_or(b.arm <> a.arm) as both_arms
              from campaign c
              join campaign o on o.audience_id = c.audience_id and o.id <> c.id
                   and campaign_period(o.starts_on, o.days, o.window_days, o.time_zone) && campaign_period(c.starts_on, c.days, c.window_days, c.time_zone)
              join delivery e on e.campaign_id = o.id
              join assignment a on a.customer = e.customer and a.campaign_id = c.id
              join assignment b on b.customer = e.customer and b.campaign_id = o.id
             where c.id = @campaignId
             group by e.customer, a.arm)
        select (select count(*) from stray where arm = 0) as not_exported_control,
               (select count(*) from stray where arm = 1) as not_exported_treatment,
               (select count(*) from stray where arm is null) as not_eligible,
               (select count(*) from shared where arm = 0) as other_campaign_control,
               (select count(*) from shared where arm = 1) as other_campaign_treatment,
               (select count(*) from shared where arm = 0 and both_arms) as both_arms_control,
               (select count(*) from shared where arm = 1 and both_arms) as both_arms_treatment
        """;

    // Not by what was delivered: whom an arm reached is chosen by its model, and leaving those out would compare what is left.
    private const string SelectInBothArms =
        """
        select distinct a.customer
          from campaign c
          join campaign o on o.audience_id = c.audience_id and o.id <> c.id
               and campaign_period(o.starts_on, o.days, o.window_days, o.time_zone) && campaign_period(c.starts_on, c.days, c.window_days, c.time_zone)
          join assignment a on a.campaign_id = c.id
          join assignment b on b.campaign_id = o.id and b.customer = a.customer and b.arm <> a.arm
         where c.id = @campaignId
           and exists (select from wave_plan p where p.campaign_id = c.id and p.customer = a.customer and p.action = 1)
           and exists (select from wave_plan p where p.campaign_id = o.id and p.customer = a.customer and p.action = 1)
        """;

    // Lists are made of the plans' rows: whatever differs was altered in between.
    private const string SelectAlteredWaves =
        """
        select w.wave_date, a.arm, w.impressions, coalesce(p.exported, 0) as planned, e.rows as listed
          from wave w
          cross join (values (0::smallint), (1::smallint)) a(arm)
          left join (select wave_date, arm, count(*) as exported from wave_plan
                      where campaign_id = @campaignId and policy = arm and action = 1 group by wave_date, arm) p
            on p.wave_date = w.wave_date and p.arm = a.arm
          left join lateral (select x.rows + x.withheld + x.unlisted as rows from export x where x.campaign_id = w.campaign_id and x.wave_date = w.wave_date and x.arm = a.arm
                              order by x.rows + x.withheld + x.unlisted = w.impressions, x.channel limit 1) e on true
         where w.campaign_id = @campaignId and (coalesce(p.exported, 0) <> w.impressions or e.rows <> w.impressions)
         order by w.wave_date, a.arm
        """;

    public async Task<DeliveryAnomalies> OfCampaignAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleAsync<DeliveryAnomalies>(new CommandDefinition(SelectAnomalies, new { campaignId }, cancellationToken: cancellationToken));
    }

    /// <summary>
    /// Customers of both campaigns' exported lists, under whichever policy, who are in the control of one and the treatment of the other
    /// at the same time: what they did says nothing about either. The rule is the same whatever arm a customer is in.
    /// </summary>
    public async Task<IReadOnlySet<Guid>> InBothArmsAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<Guid>(new CommandDefinition(SelectInBothArms, new { campaignId }, cancellationToken: cancellationToken))).ToHashSet();
    }

    /// <summary>Arms of waves whose stored plan or written list has another number of customers than was published.</summary>
    public async Task<IReadOnlyList<AlteredWave>> AlteredWavesAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<AlteredWave>(new CommandDefinition(SelectAlteredWaves, new { campaignId }, cancellationToken: cancellationToken))];
    }
}
