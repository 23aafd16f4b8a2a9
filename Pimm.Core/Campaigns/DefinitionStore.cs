using Dapper;
using Npgsql;

namespace Pimm.Core.Campaigns;

/// <summary>Campaigns as their files would describe them.</summary>
public sealed class DefinitionStore(NpgsqlDataSource database, CampaignStore campaigns)
{
    private sealed record Parts(string Audience, string ControlNetwork, string ControlSettings, string TreatmentNetwork, string TreatmentSettings, bool Split);

    private const string SelectParts =
        """
        select a.name as audience, k.network as control_network, k.settings::text as control_settings,
               t.network as treatment_network, t.settings::text as treatment_settings,
               exists (select from allocation l where l.campaign_id = c.id) as split
          from campaign c
          join audience a on a.id = c.audience_id
          join model_line k on k.id = c.control_line_id
          join model_line t on t.id = c.treatment_line_id
         where c.id = @id
        """;

    // Whoever splits the campaign's customers takes the same lock.
    private const string Lock = "select id from campaign where id = @id for update";

    /// <returns>null where there is no such campaign</returns>
    public async Task<CampaignDefinition?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await ReadAsync(connection, id);
    }

    /// <summary>As above; until the end of the caller's transaction it stays as it is.</summary>
    public async Task<CampaignDefinition?> LockAsync(NpgsqlConnection connection, long id)
    {
        await connection.ExecuteScalarAsync<long?>(Lock, new { id });
        return await ReadAsync(connection, id);
    }

    private async Task<CampaignDefinition?> ReadAsync(NpgsqlConnection connection, long id)
    {
        if (await campaigns.FindAsync(connection, id) is not { } campaign)
        {
            return null;
        }
        var parts = await connection.QuerySingleAsync<Parts>(SelectParts, new { id });
        var file = CampaignFile.Of(campaign, parts.Audience, LineDescription.Of(parts.ControlNetwork, parts.ControlSettings), LineDescription.Of(parts.TreatmentNetwork, parts.TreatmentSettings));
        return new CampaignDefinition(campaign, file, parts.Split);
    }
}
