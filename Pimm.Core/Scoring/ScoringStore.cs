using Dapper;
using Npgsql;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;

namespace Pimm.Core.Scoring;

/// <summary>One scoring of a campaign's eligible customers by both champions; frozen.</summary>
/// <param name="Exclusions">the exclusion funnel as JSON: [{"step", "customers"}]</param>
/// <param name="Definition">the campaign's <see cref="Campaign.ScoredDefinition"/> when it was planned; null: from before that was kept</param>
public sealed record ScoringRun(
    long Id, long CampaignId, int AudienceVersion, long ControlVersionId, long TreatmentVersionId, long Customers, string Exclusions, DateTimeOffset FinishedAt,
    string? Definition = null)
{
    /// <exception cref="InputException">other customers or other lines would be scored now</exception>
    public void RequireDefinition(Campaign campaign)
    {
        if (Definition is not null && Definition != campaign.ScoredDefinition())
        {
            throw new InputException($"Campaign \"{campaign.Name}\" was changed since it was scored: score it again, then ask for the wave.");
        }
    }
}

/// <summary>Both models' scores of one customer.</summary>
public readonly record struct CustomerScore(Guid Customer, float Control, float Treatment);

/// <summary>Finished scorings and their scores; an unfinished one is nobody's but its runs'.</summary>
public sealed class ScoringStore(NpgsqlDataSource database)
{
    private const string SelectScoring =
        """
        select id, campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions::text, finished_at, definition
          from scoring where id = @id and finished_at is not null
        """;

    private const string SelectNewest =
        """
        select id, campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions::text, finished_at, definition
          from scoring where campaign_id = @campaignId and finished_at is not null order by id desc limit 1
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

    /// <summary>All scores of a scoring, ordered by customer.</summary>
    public async Task<IReadOnlyList<CustomerScore>> ScoresAsync(long scoringId, CancellationToken cancellationToken = default)
    {
        var expected = await FindAsync(scoringId, cancellationToken) is { } scoring ? checked((int)scoring.Customers) : 0;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var scores = new List<CustomerScore>(expected);
        await BulkCopy.ReadAllAsync(
            connection, $"(select customer, control_score, treatment_score from score where scoring_id = {scoringId} order by customer)",
            static export => new CustomerScore(export.ReadGuid(), export.ReadSingle(), export.ReadSingle()), scores.Add, cancellationToken);
        return scores;
    }
}
