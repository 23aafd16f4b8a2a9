using Dapper;
using Npgsql;

namespace Pimm.Core.Campaigns;

/// <summary>What somebody has typed so far of a new campaign, or of a change to one.</summary>
/// <param name="Owner">the only one who sees it</param>
/// <param name="CampaignId">the campaign that is being changed; null: a new one</param>
/// <param name="BaseTag">of the definition that the change began with; null: a new one</param>
/// <param name="Form">JSON; it need not describe a campaign yet</param>
public sealed record UnfinishedCampaign(long Id, string Owner, long? CampaignId, string? BaseTag, string Name, string Form, DateTimeOffset SavedAt);

/// <summary>Unfinished definitions of campaigns; each belongs to whoever types it.</summary>
public sealed class UnfinishedCampaignStore(NpgsqlDataSource database, TimeProvider time)
{
    private const int LongestName = 200;

    private const string SelectOne =
        "select id, owner, campaign_id, base_tag, name, form::text, saved_at from campaign_draft where id = @id and owner = @owner";

    private const string SelectOfCampaign =
        "select id, owner, campaign_id, base_tag, name, form::text, saved_at from campaign_draft where campaign_id = @campaignId and owner = @owner";

    private const string SelectNewest =
        """
        select id, owner, campaign_id, base_tag, name, form::text, saved_at
          from campaign_draft where owner = @owner and (@search = '' or position(lower(@search) in lower(name)) > 0) order by saved_at desc limit @limit
        """;

    private const string Insert =
        """
        insert into campaign_draft (owner, campaign_id, base_tag, name, form, saved_at) values (@owner, @campaignId, @baseTag, @name, @form::jsonb, @at)
        on conflict (owner, campaign_id) where campaign_id is not null
        do update set base_tag = excluded.base_tag, name = excluded.name, form = excluded.form, saved_at = excluded.saved_at
        returning id
        """;

    private const string Update =
        "update campaign_draft set name = @name, form = @form::jsonb, base_tag = @baseTag, saved_at = @at where id = @id and owner = @owner";

    private const string Delete = "delete from campaign_draft where id = @id and owner = @owner";

    /// <returns>null where there is none, or it is another's</returns>
    public async Task<UnfinishedCampaign?> FindAsync(long id, string owner, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<UnfinishedCampaign>(new CommandDefinition(SelectOne, new { id, owner }, cancellationToken: cancellationToken));
    }

    /// <summary>The owner's change of a campaign, if one was begun.</summary>
    public async Task<UnfinishedCampaign?> OfCampaignAsync(long campaignId, string owner, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<UnfinishedCampaign>(new CommandDefinition(SelectOfCampaign, new { campaignId, owner }, cancellationToken: cancellationToken));
    }

    /// <summary>The owner's, the one saved last first.</summary>
    public async Task<IReadOnlyList<UnfinishedCampaign>> ListAsync(string owner, string search, int limit, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<UnfinishedCampaign>(new CommandDefinition(SelectNewest, new { owner, search, limit }, cancellationToken: cancellationToken))];
    }

    /// <summary>Keeps what was typed; the first time makes the row.</summary>
    /// <param name="draft">with id 0 where it is new</param>
    /// <returns>its id; 0 where it was thrown away or finished meanwhile</returns>
    public async Task<long> SaveAsync(UnfinishedCampaign draft, CancellationToken cancellationToken = default)
    {
        var row = new
        {
            draft.Id, draft.Owner, draft.CampaignId, draft.BaseTag, name = draft.Name.Length <= LongestName ? draft.Name : draft.Name[..LongestName], draft.Form, at = time.GetUtcNow(),
        };
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return draft.Id == 0
            ? await connection.ExecuteScalarAsync<long>(new CommandDefinition(Insert, row, cancellationToken: cancellationToken))
            : await connection.ExecuteAsync(new CommandDefinition(Update, row, cancellationToken: cancellationToken)) > 0 ? draft.Id : 0;
    }

    public async Task DeleteAsync(long id, string owner, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(Delete, new { id, owner }, cancellationToken: cancellationToken));
    }
}
