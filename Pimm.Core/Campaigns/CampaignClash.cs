using Dapper;
using Npgsql;

namespace Pimm.Core.Campaigns;

/// <summary>Something that another campaign has already, so that the database would refuse it.</summary>
/// <param name="What">one of <see cref="OfName"/>, <see cref="OfSalt"/>, <see cref="OfLayer"/></param>
/// <param name="Campaign">the other's name</param>
/// <param name="Until">when the other's last window closes; of a layer only</param>
public sealed record CampaignClash(string What, string Campaign, int? LayerFrom, int? LayerTo, DateTimeOffset? Until)
{
    public const string OfName = "name";
    public const string OfSalt = "salt";
    public const string OfLayer = "layer";
}

/// <summary>Asks beforehand what a campaign's constraints will say; whoever comes first between the two still wins.</summary>
public sealed class CampaignClashStore(NpgsqlDataSource database)
{
    private const string SelectClashes =
        """
        select 'name' as what, c.name as campaign, null::integer as layer_from, null::integer as layer_to, null::timestamptz as until
          from campaign c where c.id <> @Id::bigint and c.name = @Name::text
        union all
        select 'salt', c.name, null, null, null from campaign c where c.id <> @Id::bigint and c.salt = @Salt::text
        union all
        select 'layer', c.name, c.layer_from, c.layer_to, upper(campaign_period(c.starts_on, c.days, c.window_days, c.time_zone))
          from campaign c
         where c.id <> @Id::bigint and c.audience_id = @AudienceId::bigint and c.layer = @Layer::text
           and c.layer_from < @LayerTo::integer and @LayerFrom::integer < c.layer_to
           and campaign_period(c.starts_on, c.days, c.window_days, c.time_zone)
            && campaign_period(@StartsOn::date, @Days::integer, @WindowDays::integer, @TimeZone::text)
        """;

    /// <param name="campaign">its id is 0 while it is new</param>
    public async Task<IReadOnlyList<CampaignClash>> ReadAsync(Campaign campaign, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<CampaignClash>(new CommandDefinition(SelectClashes, campaign, cancellationToken: cancellationToken))];
    }
}
