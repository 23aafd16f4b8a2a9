using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;

namespace Pimm.Core.Scoring;

/// <summary>One scoring of a campaign's eligible customers by both champions; frozen.</summary>
/// <param name="Exclusions">the exclusion funnel as JSON: [{"step", "customers"}]</param>
public sealed record ScoringRun(
    long Id, long CampaignId, int AudienceVersion, long ControlVersionId, long TreatmentVersionId, long Customers, string Exclusions, DateTimeOffset FinishedAt);

/// <summary>Both models' scores of one customer.</summary>
public readonly record struct CustomerScore(Guid Customer, float Control, float Treatment);

/// <summary>Scorings and scores.</summary>
public sealed class ScoringStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string SelectScoring =
        """
        select id, campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions::text, finished_at
          from scoring where id = @id
        """;

    private const string SelectNewest =
        """
        select id, campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions::text, finished_at
          from scoring where campaign_id = @campaignId order by id desc limit 1
        """;

    // From the contact window before the first day to the end of the last: waves of other campaigns that are published already count too.
    private const string SelectAtContactLimit =
        """
        select customer from customer_contact
         where audience_id = @audienceId and campaign_id <> @campaignId and contacted_at >= @from and contacted_at < @to
         group by customer having count(*) >= @limit
        """;

    private const string InsertScoring =
        """
        insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, run_id, finished_at)
        values (@campaignId, @audienceVersion, @controlVersionId, @treatmentVersionId, @customers, @exclusions::jsonb, @runId, @at)
        returning id
        """;

    public async Task<ScoringRun?> FindAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ScoringRun>(new CommandDefinition(SelectScoring, new { id }, cancellationToken: cancellationToken));
    }

    public async Task<ScoringRun?> NewestAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ScoringRun>(new CommandDefinition(SelectNewest, new { campaignId }, cancellationToken: cancellationToken));
    }

    /// <summary>Customers whom the audience's other campaigns have exported as often as this one's contact limit allows; nobody without a limit.</summary>
    public async Task<IReadOnlySet<Guid>> AtContactLimitAsync(Campaign campaign, CancellationToken cancellationToken = default)
    {
        if (campaign.ContactLimit is not { } limit || campaign.ContactDays is not { } days)
        {
            return new HashSet<Guid>();
        }
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync<Guid>(new CommandDefinition(SelectAtContactLimit, new
        {
            campaignId = campaign.Id, campaign.AudienceId, limit,
            from = campaign.StartsAt.AddDays(-days), to = campaign.StartOf(campaign.StartsOn.AddDays(campaign.Days)),
        }, cancellationToken: cancellationToken))).ToHashSet();
    }

    /// <summary>All scores of a scoring, ordered by customer.</summary>
    public async Task<IReadOnlyList<CustomerScore>> ScoresAsync(long scoringId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var scores = new List<CustomerScore>();
        var rows = BulkCopy.ReadAsync(
            connection, $"(select customer, control_score, treatment_score from score where scoring_id = {scoringId} order by customer)",
            static export => new CustomerScore(
                export.Read<Guid>(NpgsqlDbType.Uuid), export.Read<float>(NpgsqlDbType.Real), export.Read<float>(NpgsqlDbType.Real)),
            cancellationToken);
        await foreach (var score in rows)
        {
            scores.Add(score);
        }
        return scores;
    }

    /// <summary>Saves a scoring with all its scores inside the caller's transaction.</summary>
    public async Task<long> AddAsync(NpgsqlConnection connection, ScoringRun scoring, IReadOnlyCollection<CustomerScore> scores, long runId, CancellationToken cancellationToken)
    {
        var id = await connection.ExecuteScalarAsync<long>(InsertScoring, new
        {
            scoring.CampaignId, scoring.AudienceVersion, scoring.ControlVersionId, scoring.TreatmentVersionId,
            customers = (long)scores.Count, scoring.Exclusions, runId, at = time.GetUtcNow(),
        });
        await BulkCopy.WriteAsync(connection, "score (customer, scoring_id, control_score, treatment_score)", scores, (import, score) =>
        {
            import.Write(score.Customer, NpgsqlDbType.Uuid);
            import.Write(id, NpgsqlDbType.Bigint);
            import.Write(score.Control, NpgsqlDbType.Real);
            import.Write(score.Treatment, NpgsqlDbType.Real);
        }, cancellationToken);
        return id;
    }
}
