using System.Globalization;
using Dapper;
using Npgsql;

namespace Pimm.Core.Campaigns;

/// <summary>Something that was done to a campaign or to one of its lists, as the audit log has it.</summary>
/// <param name="Actor">user:NAME, key:PREFIX, run:ID or cli:OS USER</param>
/// <param name="ObjectId">of the campaign, or the list's file name</param>
/// <param name="Before">the changed fields as JSON, as they were</param>
public sealed record CampaignEvent(long Id, DateTimeOffset At, string Actor, string Action, string ObjectId, string? Before, string? After);

/// <summary>What the audit log says of one campaign, without where a wish came from.</summary>
public sealed class CampaignHistoryStore(NpgsqlDataSource database)
{
    private const string SelectEvents =
        """
        select id, at, actor, action, object_id, before::text, after::text
          from audit_event
         where (object_kind = 'campaign' and object_id = @campaign) or (action = 'list.download' and after->>'campaign' = @campaign)
         order by id desc offset @offset limit @limit
        """;

    private const string SelectDefinitions =
        """
        select id, at, actor, action, object_id, before::text, after::text
          from audit_event
         where object_kind = 'campaign' and object_id = @campaign and action in ('campaign.create', 'campaign.update', 'campaign.copy')
         order by id desc limit @limit
        """;

    private const string SelectDownloads =
        """
        select id, at, actor, action, object_id, before::text, after::text
          from audit_event
         where action = 'list.download' and after->>'campaign' = @campaign
         order by id desc limit @limit
        """;

    /// <summary>The newest first.</summary>
    public Task<IReadOnlyList<CampaignEvent>> EventsAsync(long campaignId, int offset, int limit, CancellationToken cancellationToken = default) =>
        ReadAsync(SelectEvents, campaignId, offset, limit, cancellationToken);

    /// <summary>How the definition came to be, the newest first.</summary>
    public Task<IReadOnlyList<CampaignEvent>> DefinitionsAsync(long campaignId, int limit, CancellationToken cancellationToken = default) =>
        ReadAsync(SelectDefinitions, campaignId, 0, limit, cancellationToken);

    /// <summary>Who took which list, the newest first.</summary>
    public Task<IReadOnlyList<CampaignEvent>> DownloadsAsync(long campaignId, int limit, CancellationToken cancellationToken = default) =>
        ReadAsync(SelectDownloads, campaignId, 0, limit, cancellationToken);

    private async Task<IReadOnlyList<CampaignEvent>> ReadAsync(string sql, long campaignId, int offset, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<CampaignEvent>(new CommandDefinition(
            sql, new { campaign = campaignId.ToString(CultureInfo.InvariantCulture), offset, limit }, cancellationToken: cancellationToken))];
    }
}
