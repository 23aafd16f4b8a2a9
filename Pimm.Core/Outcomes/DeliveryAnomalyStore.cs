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
        shared as (
            select a.arm, bool_or(b.arm <> a.arm) as both_arms
              from campaign c
              join campaign o on o.audience_id = c.audience_id and o.id <> c.id
                   and campaign_period(o.starts_on, o.days, o.window_days, o.time_zone) && campaign_period(c.starts_on, c.days, c.window_days, c.time_zone)
              join delivery d on d.campaign_id = c.id
              join delivery e on e.campaign_id = o.id and e.customer = d.customer
              join assignment a on a.customer = d.customer and a.campaign_id = c.id
              join assignment b on b.customer = d.customer and b.campaign_id = o.id
             where c.id = @campaignId
             group by d.customer, a.arm)
        select (select count(*) from stray where arm = 0) as not_exported_control,
               (select count(*) from stray where arm = 1) as not_exported_treatment,
               (select count(*) from stray where arm is null) as not_eligible,
               (select count(*) from shared where arm = 0) as other_campaign_control,
               (select count(*) from shared where arm = 1) as other_campaign_treatment,
               (select count(*) from shared where arm = 0 and both_arms) as both_arms_control,
               (select count(*) from shared where arm = 1 and both_arms) as both_arms_treatment
        """;

    private const string SelectInBothArms =
        """
        select distinct d.customer
          from campaign c
          join campaign o on o.audience_id = c.audience_id and o.id <> c.id
               and campaign_period(o.starts_on, o.days, o.window_days, o.time_zone) && campaign_period(c.starts_on, c.days, c.window_days, c.time_zone)
          join delivery d on d.campaign_id = c.id
          join delivery e on e.campaign_id = o.id and e.customer = d.customer
          join assignment a on a.customer = d.customer and a.campaign_id = c.id
          join assignment b on b.customer = d.customer and b.campaign_id = o.id and b.arm <> a.arm
         where c.id = @campaignId
        """;

    public async Task<DeliveryAnomalies> OfCampaignAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleAsync<DeliveryAnomalies>(new CommandDefinition(SelectAnomalies, new { campaignId }, cancellationToken: cancellationToken));
    }

    /// <summary>Customers whom both policies reached at the same time through two campaigns: what they did says nothing about either.</summary>
    public async Task<IReadOnlySet<Guid>> InBothArmsAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<Guid>(new CommandDefinition(SelectInBothArms, new { campaignId }, cancellationToken: cancellationToken))).ToHashSet();
    }
}
