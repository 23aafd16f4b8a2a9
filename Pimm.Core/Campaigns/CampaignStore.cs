using System.Globalization;
using System.Text.Json;
using Dapper;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Campaigns;

/// <summary>Campaigns and the computed state of their stages.</summary>
public sealed class CampaignStore(NpgsqlDataSource database)
{
    private const string Columns =
        "id, name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day, " +
        "holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at, planned_conversions, " +
        "split_covariates, traffic_share, layer, layer_from, layer_to, contact_limit, contact_days, copy_of, " +
        "segments, guardrails::text, channel, consent_purpose, filter::text, filter_reason";

    private const string SelectCampaign = $"select {Columns} from campaign where id = @id";

    private const string SelectByName = $"select {Columns} from campaign where name = @name";

    private const string InsertCampaign =
        """
        insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days,
            impressions_per_day, holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at, planned_conversions,
            split_covariates, traffic_share, layer, layer_from, layer_to, contact_limit, contact_days, copy_of, segments, guardrails,
            channel, consent_purpose, filter, filter_reason)
        values (@Name, @AudienceId, @ControlLineId, @TreatmentLineId, @TimeZone, @StartsOn, @Days, @WindowDays,
            @ImpressionsPerDay, @HoldbackShare, @ExplorationShare, @SplitMethod, @SplitCandidates, @Salt, @CreatedBy, @CreatedAt, @PlannedConversions,
            coalesce(@SplitCovariates::text[], '{control-score}'), @TrafficShare, @Layer, @LayerFrom, @LayerTo, @ContactLimit, @ContactDays, @CopyOf,
            coalesce(@Segments::text[], '{}'), coalesce(@Guardrails::jsonb, '[]'),
            @Channel, @ConsentPurpose, @Filter::jsonb, @FilterReason)
        returning id
        """;

    private const string UpdateCampaign =
        """
        update campaign
           set name = @Name, audience_id = @AudienceId, control_line_id = @ControlLineId, treatment_line_id = @TreatmentLineId, time_zone = @TimeZone,
               starts_on = @StartsOn, days = @Days, window_days = @WindowDays, impressions_per_day = @ImpressionsPerDay, holdback_share = @HoldbackShare,
               exploration_share = @ExplorationShare, split_method = @SplitMethod, split_candidates = @SplitCandidates, salt = @Salt,
               planned_conversions = @PlannedConversions, split_covariates = coalesce(@SplitCovariates::text[], '{control-score}'),
               traffic_share = @TrafficShare, layer = @Layer, layer_from = @LayerFrom, layer_to = @LayerTo, contact_limit = @ContactLimit,
               contact_days = @ContactDays, segments = coalesce(@Segments::text[], '{}'), guardrails = coalesce(@Guardrails::jsonb, '[]'),
               channel = @Channel, consent_purpose = @ConsentPurpose, filter = @Filter::jsonb, filter_reason = @FilterReason
         where id = @Id
        """;

    private const string SelectSummaries =
        """
        select c.id, c.name, a.name as audience, a.simulated, c.starts_on, c.days, c.window_days, c.impressions_per_day,
               k.name as control_name, k.network as control_network, kv.version as control_version,
               t.name as treatment_name, t.network as treatment_network, tv.version as treatment_version,
               s.done as stages_done, s.current as current_stage, s.busy,
               case when @reports then (select l.report::text from lift_report l where l.campaign_id = c.id order by l.version desc limit 1) end as lift_report,
               f.state
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
          cross join lateral (
               select case when s.done = 7 then 'finished' when exists (select from allocation d where d.campaign_id = c.id) then 'running' else 'draft' end as state) f
         where (@search = '' or position(lower(@search) in lower(c.name)) > 0)
           and (@after::bigint is null or c.id < @after)
           and (@state::text is null or @state = f.state)
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
    public Task<long> CreateAsync(Campaign campaign, CancellationToken cancellationToken = default) => CreateAsync(campaign, AuditActor.CommandLine, cancellationToken);

    /// <param name="by">who makes it, for the audit log: see <see cref="AuditActor"/></param>
    /// <exception cref="InputException">as above</exception>
    public async Task<long> CreateAsync(Campaign campaign, string by, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var id = await CreateAsync(connection, campaign, by);
        await transaction.CommitAsync(cancellationToken);
        return id;
    }

    /// <summary>As above, inside the caller's transaction.</summary>
    public async Task<long> CreateAsync(NpgsqlConnection connection, Campaign campaign, string by)
    {
        try
        {
            var id = await connection.ExecuteScalarAsync<long>(InsertCampaign, campaign.Validated());
            await AuditLog.AddAsync(connection, new AuditEntry(
                by, campaign.CopyOf is null ? "campaign.create" : "campaign.copy", "campaign", id.ToString(CultureInfo.InvariantCulture), After: campaign with { Id = id }));
            return id;
        }
        catch (PostgresException refused) when (Refusal(campaign, refused) is not null)
        {
            throw Refusal(campaign, refused)!;
        }
    }

    /// <summary>Another definition of the same campaign, inside the caller's transaction; who created it and when stays.</summary>
    /// <exception cref="InputException">as <see cref="CreateAsync(Campaign, CancellationToken)"/></exception>
    public async Task UpdateAsync(NpgsqlConnection connection, Campaign campaign)
    {
        try
        {
            await connection.ExecuteAsync(UpdateCampaign, campaign.Validated());
        }
        catch (PostgresException refused) when (Refusal(campaign, refused) is not null)
        {
            throw Refusal(campaign, refused)!;
        }
    }

    /// <summary>Holds the campaign in the caller's transaction as it was when the caller read it: nobody changes it before that ends.</summary>
    /// <exception cref="InputException">somebody changed it meanwhile</exception>
    public static async Task HoldAsync(NpgsqlConnection connection, Campaign read)
    {
        var now = await connection.QuerySingleAsync<Campaign>($"{SelectCampaign} for update", new { read.Id });
        if (JsonSerializer.Serialize(now) != JsonSerializer.Serialize(read))
        {
            throw new InputException($"Campaign \"{read.Name}\" was changed meanwhile: ask for the wave again.");
        }
    }

    private static InputException? Refusal(Campaign campaign, PostgresException refused) => refused.ConstraintName switch
    {
        "campaign_salt_key" => new($"The salt \"{campaign.Salt}\" was used by a campaign before: choose a new one, or the new arms carry over what the old ones saw.", refused) { Code = InputException.Exists },
        "campaign_name_key" => new($"There is a campaign named \"{campaign.Name}\" already: choose another name.", refused) { Code = InputException.Exists },
        "campaign_layer_is_free" => new(refused.MessageText, refused),
        _ => null,
    };

    public async Task<Campaign?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await FindAsync(connection, id);
    }

    /// <summary>As above, inside the caller's transaction.</summary>
    public Task<Campaign?> FindAsync(NpgsqlConnection connection, long id) =>
        connection.QuerySingleOrDefaultAsync<Campaign>(SelectCampaign, new { id });

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
        return [.. await connection.QueryAsync<CampaignSummary>(new CommandDefinition(
            SelectSummaries, new { search, offset, limit, reports, after = (long?)null, state = (string?)null }, cancellationToken: cancellationToken))];
    }

    /// <summary>Newest first, those behind the campaign <paramref name="after"/>.</summary>
    /// <param name="state">one of <see cref="CampaignStates"/>; null: any</param>
    public async Task<IReadOnlyList<CampaignSummary>> ListAfterAsync(
        long? after, int limit, string search = "", string? state = null, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<CampaignSummary>(new CommandDefinition(
            SelectSummaries, new { search, offset = 0, limit, reports = false, after, state }, cancellationToken: cancellationToken))];
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
