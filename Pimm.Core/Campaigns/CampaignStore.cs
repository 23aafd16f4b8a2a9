using Dapper;
using Npgsql;

namespace Pimm.Core.Campaigns;

/// <summary>Campaigns and the computed state of their stages.</summary>
public sealed class CampaignStore(NpgsqlDataSource database)
{
    private const string Columns =
        "id, name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day, " +
        "holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at, planned_conversions, " +
        "split_covariates, traffic_share, layer, layer_from, layer_to, contact_limit, contact_days, copy_of, " +
        "segments, guardrails::text, channel, consent_purpose";

    private const string SelectCampaign = $"select {Columns} from campaign where id = @id";

    private const string SelectByName = $"select {Columns} from campaign where name = @name";

    private const string InsertCampaign =
        """
        insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days,
            impressions_per_day, holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at, planned_conversions,
            split_covariates, traffic_share, layer, layer_from, layer_to, contact_limit, contact_days, copy_of, segments, guardrails,
            channel, consent_purpose)
        values (@Name, @AudienceId, @ControlLineId, @TreatmentLineId, @TimeZone, @StartsOn, @Days, @WindowDays,
            @ImpressionsPerDay, @HoldbackShare, @ExplorationShare, @SplitMethod, @SplitCandidates, @Salt, @CreatedBy, @CreatedAt, @PlannedConversions,
            coalesce(@SplitCovariates::text[], '{control-score}'), @TrafficShare, @Layer, @LayerFrom, @LayerTo, @ContactLimit, @ContactDays, @CopyOf,
            coalesce(@Segments::text[], '{}'), coalesce(@Guardrails::jsonb, '[]'),
            @Channel, @ConsentPurpose)
        returning id
        """;

    private const string SelectSummaries =
        """
        select c.id, c.name, a.name as audience, a.simulated, c.starts_on, c.days, c.window_days, c.impressions_per_day,
               k.name as control_name, k.network as control_network, kv.version as control_version,
               t.name as treatment_name, t.network as treatment_network, tv.version as treatment_version,
               s.done as stages_done, s.current as current_stage, s.busy,
               case when @reports then (select l.report::text from lift_report l where l.campaign_id = c.id order by l.version desc limit 1) end as lift_report
          from campaign c
          join audience a on a.id = c.audience_id
          join model_line k on k.id = c.control_line_id
          join model_line t on t.id = c.treatment_line_id
          left join champion kv on kv.model_line_id = k.id
          left join champion tv on tv.model_line_id = t.id
          join lateral (
               select count(*) filter (where g.state = 'done') as done,
                      (array_agg(g.stage order by g.ordinal) filter (where g.state <> 'done'))[1] as current,
                      bool_or(g.state in ('queued', 'running')) as busy
                 from campaign_stage g where g.campaign_id = c.id) s on true
         where @search = '' or position(lower(@search) in lower(c.name)) > 0
         order by c.id desc
         limit @limit offset @offset
        """;

    private const string CountCampaigns =
        "select count(*) from campaign c where @search = '' or position(lower(@search) in lower(c.name)) > 0";

    private const string SelectStages =
        """
        select ordinal, stage, kind, state, done_at, quantity, unit, run_id, progress, message, error
          from campaign_stage where campaign_id = @id order by ordinal
        """;

    /// <exception cref="InputException">a value is out of its range, the name or the salt was used before, or the layer's range is taken</exception>
    public async Task<long> CreateAsync(Campaign campaign, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            return await connection.ExecuteScalarAsync<long>(new CommandDefinition(InsertCampaign, campaign.Validated(), cancellationToken: cancellationToken));
        }
        catch (PostgresException refused) when (Refusal(campaign, refused) is not null)
        {
            throw new InputException(Refusal(campaign, refused)!, refused);
        }
    }

    private static string? Refusal(Campaign campaign, PostgresException refused) => refused.ConstraintName switch
    {
        "campaign_salt_key" =>
            $"The salt \"{campaign.Salt}\" was used by a campaign before: choose a new one, or the new arms carry over what the old ones saw.",
        "campaign_name_key" => $"There is a campaign named \"{campaign.Name}\" already: choose another name.",
        "campaign_layer_is_free" => refused.MessageText,
        _ => null,
    };

    public async Task<Campaign?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Campaign>(new CommandDefinition(SelectCampaign, new { id }, cancellationToken: cancellationToken));
    }

    /// <exception cref="InputException">there is no such campaign</exception>
    public async Task<Campaign> GetAsync(long id, CancellationToken cancellationToken = default) =>
        await FindAsync(id, cancellationToken)
        ?? throw new InputException($"There is no campaign {id}: `pimm campaigns list` shows those there are.");

    public async Task<Campaign?> FindByNameAsync(string name, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Campaign>(new CommandDefinition(SelectByName, new { name }, cancellationToken: cancellationToken));
    }

    /// <summary>Newest first; <paramref name="search"/> is part of a name, empty for all.</summary>
    /// <param name="reports">whether to read the newest lift reports, long texts, too</param>
    public async Task<IReadOnlyList<CampaignSummary>> ListAsync(
        string search = "", int offset = 0, int limit = 50, bool reports = false, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<CampaignSummary>(new CommandDefinition(SelectSummaries, new { search, offset, limit, reports }, cancellationToken: cancellationToken))];
    }

    public async Task<long> CountAsync(string search = "", CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountCampaigns, new { search }, cancellationToken: cancellationToken));
    }

    public async Task<IReadOnlyList<CampaignStage>> StagesAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<CampaignStage>(new CommandDefinition(SelectStages, new { id }, cancellationToken: cancellationToken))];
    }
}
