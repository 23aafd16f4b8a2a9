using Dapper;
using Npgsql;

namespace Pimm.Core.Outcomes;

/// <summary>One arm of a wave, until now.</summary>
/// <param name="Arm">0 control, 1 treatment</param>
/// <param name="Delivered">of its exported customers, how many the channel reported</param>
public sealed record WaveDelivery(DateOnly WaveDate, short Arm, long HeldBack, long Delivered);

/// <summary>Counts of the eligible customers of an arm.</summary>
public sealed record ArmSize(short Arm, long Customers, long Flagged);

/// <summary>Counts deliveries and held-back customers for whoever looks at a campaign.</summary>
public sealed class WaveDeliveryStore(NpgsqlDataSource database)
{
    private const string SelectWaves =
        """
        with held as (
            select wave_date, arm, count(*) as customers from wave_plan
             where campaign_id = @campaignId and policy = arm and action = 2 group by wave_date, arm),
        reached as (
            select wave_date, arm, sum(customers)::bigint as customers from delivery_count where campaign_id = @campaignId group by wave_date, arm)
        select w.wave_date, a.arm::smallint as arm, coalesce(h.customers, 0) as held_back, coalesce(r.customers, 0) as delivered
          from wave w
         cross join generate_series(0, 1) as a(arm)
          left join held h on h.wave_date = w.wave_date and h.arm = a.arm
          left join reached r on r.wave_date = w.wave_date and r.arm = a.arm
         where w.campaign_id = @campaignId order by w.wave_date, a.arm
        """;

    private const string SelectArms =
        """
        select a.arm::smallint as arm, case a.arm when 0 then l.control_customers else l.treatment_customers end as customers,
               (select count(*) from assignment s where s.campaign_id = l.campaign_id and s.arm = a.arm and s.flagged) as flagged
          from allocation l cross join generate_series(0, 1) as a(arm) where l.campaign_id = @campaignId order by a.arm
        """;

    /// <summary>Both arms of every published wave, by date.</summary>
    public async Task<IReadOnlyList<WaveDelivery>> WavesAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<WaveDelivery>(new CommandDefinition(SelectWaves, new { campaignId }, cancellationToken: cancellationToken))];
    }

    public async Task<IReadOnlyList<ArmSize>> ArmsAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ArmSize>(new CommandDefinition(SelectArms, new { campaignId }, cancellationToken: cancellationToken))];
    }
}
