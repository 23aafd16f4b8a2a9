using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;

namespace Pimm.Core.Allocating;

/// <summary>Counts published waves for whoever looks at them.</summary>
public sealed class WaveFigureStore(NpgsqlDataSource database, AllocationStore allocations)
{
    private const string SelectWaveArms =
        """
        with planned as (
            select wave_date, arm, customer, bool_or(policy = arm and action = 1) as exported, bool_or(policy = arm and action = 2) as held,
                   bool_or(policy <> arm and action = 1) as shadow, max(propensity) as propensity
              from wave_plan where campaign_id = @campaignId group by wave_date, arm, customer)
        select wave_date, arm, count(*) filter (where exported) as exported, count(*) filter (where held) as held_back,
               count(*) filter (where exported and shadow) as exported_by_both, max(propensity) as propensity
          from planned group by wave_date, arm order by wave_date, arm
        """;

    /// <summary>Every wave with both arms' counts, by date.</summary>
    public async Task<IReadOnlyList<WaveFigures>> OfCampaignAsync(Campaign campaign, CancellationToken cancellationToken = default)
    {
        var waves = await allocations.WavesAsync(campaign.Id, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var arms = (await connection.QueryAsync<WaveArmFigures>(new CommandDefinition(SelectWaveArms, new { campaignId = campaign.Id }, cancellationToken: cancellationToken)))
            .ToDictionary(a => (a.WaveDate, a.Arm));
        return [.. waves.Select(w => new WaveFigures(w, campaign.ImpressionsPerDay, Of(w, 0), Of(w, 1)))];

        WaveArmFigures Of(Wave wave, short arm) => arms.GetValueOrDefault((wave.WaveDate, arm)) ?? new WaveArmFigures(wave.WaveDate, arm, 0, 0, 0, null);
    }
}
