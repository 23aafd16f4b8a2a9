using Dapper;
using Npgsql;

namespace Pimm.Core.Exporting;

/// <summary>What a campaign decided about one customer.</summary>
/// <param name="Arm">0 control, 1 treatment</param>
/// <param name="Flagged">held back under every policy: never exported</param>
/// <param name="Waves">those that reached or passed the customer by the policy of its own arm, in the order of their days</param>
public sealed record CustomerAssignment(Guid Customer, short Arm, bool Flagged, IReadOnlyList<CustomerWave> Waves);

/// <param name="Action">1 exported, 2 held back</param>
/// <param name="Exploration">drawn at random, not for its score</param>
/// <param name="Listed">the list that names the customer was written</param>
public sealed record CustomerWave(DateOnly WaveDate, short Action, bool Exploration, bool Listed);

/// <summary>Looks up one customer of a campaign, by the pseudonymous key alone.</summary>
public sealed class CustomerAssignmentStore(NpgsqlDataSource database)
{
    private sealed record Drawn(short Arm, bool Flagged);

    private const string SelectDrawn = "select arm, flagged from assignment where customer = @customer and campaign_id = @campaignId";

    private const string SelectWaves =
        """
        select p.wave_date, p.action, p.exploration,
               p.action = 1 and exists (select from export e where e.campaign_id = p.campaign_id and e.wave_date = p.wave_date and e.arm = p.arm) as listed
          from wave_plan p
         where p.customer = @customer and p.campaign_id = @campaignId and p.policy = p.arm
         order by p.wave_date
        """;

    /// <returns>null where the customer is not eligible, or the campaign's customers are not split yet</returns>
    public async Task<CustomerAssignment?> FindAsync(long campaignId, Guid customer, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        if (await connection.QuerySingleOrDefaultAsync<Drawn>(new CommandDefinition(SelectDrawn, new { customer, campaignId }, cancellationToken: cancellationToken)) is not { } drawn)
        {
            return null;
        }
        var waves = await connection.QueryAsync<CustomerWave>(new CommandDefinition(SelectWaves, new { customer, campaignId }, cancellationToken: cancellationToken));
        return new CustomerAssignment(customer, drawn.Arm, drawn.Flagged, [.. waves]);
    }
}
