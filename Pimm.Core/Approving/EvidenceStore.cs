using System.Text.Json;
using Dapper;
using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Pimm.Core.Training;

namespace Pimm.Core.Approving;

/// <summary>Gathers what somebody must know who decides about a campaign.</summary>
public sealed class EvidenceStore(NpgsqlDataSource database, ModelStore models, ScoringStore scorings, AllocationStore allocations, TimeProvider time)
{
    private const double Power = 0.8;

    // As the first wave would choose in each arm, were nobody explored or held back: the best 2N over both arms are the best N of each.
    private const string CountBoth =
        """
        select count(*)
          from (select customer from score where scoring_id = @scoringId order by control_score desc, customer limit @chosen) c
          join (select customer from score where scoring_id = @scoringId order by treatment_score desc, customer limit @chosen) t using (customer)
        """;

    private const string SelectSha256 = "select encode(weights_sha256, 'hex') from model_version where id = @versionId";

    public async Task<ApprovalEvidence> ReadAsync(CampaignDefinition definition, CancellationToken cancellationToken = default)
    {
        var campaign = definition.Campaign;
        var allocation = await allocations.FindAsync(campaign.Id, cancellationToken);
        var newest = allocation is null ? await scorings.NewestAsync(campaign.Id, cancellationToken) : await scorings.FindAsync(allocation.ScoringId, cancellationToken);
        var otherDefinition = newest?.Definition is { } scored && scored != campaign.ScoredDefinition();
        var scoring = otherDefinition ? null : newest;
        var (control, treatment) = (await models.ChampionAsync(campaign.ControlLineId, cancellationToken), await models.ChampionAsync(campaign.TreatmentLineId, cancellationToken));
        var (lift, extra) = Detectable(campaign, scoring?.Customers);
        var seen = new ApprovalEvidence(
            scoring is null ? [] : JsonSerializer.Deserialize<SeenStep[]>(scoring.Exclusions, JsonSerializerOptions.Web)!, scoring?.Id, scoring?.FinishedAt, scoring?.AudienceVersion,
            scoring is null ? null : await OverlapAsync(scoring, campaign.ImpressionsPerDay, cancellationToken), lift, extra, ApprovalEvidence.FrozenAtSplit,
            await SeenAsync(campaign.ControlLineId, scoring is null ? control : await models.GetVersionAsync(scoring.ControlVersionId, cancellationToken), cancellationToken),
            await SeenAsync(campaign.TreatmentLineId, scoring is null ? treatment : await models.GetVersionAsync(scoring.TreatmentVersionId, cancellationToken), cancellationToken),
            campaign.SplitMethod, campaign.SplitCandidates, campaign.Salt, allocation is null ? null : BalanceOf(allocation), []);
        return seen with { Checks = ApprovalChecks.Of(campaign, seen, otherDefinition, (control?.Version, treatment?.Version), campaign.DateOf(time.GetUtcNow())) };
    }

    private async Task<double?> OverlapAsync(ScoringRun scoring, int impressions, CancellationToken cancellationToken)
    {
        var chosen = Math.Min(2L * impressions, scoring.Customers);
        if (chosen == 0)
        {
            return null;
        }
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(CountBoth, new { scoringId = scoring.Id, chosen }, cancellationToken: cancellationToken)) / (double)chosen;
    }

    private async Task<SeenModel> SeenAsync(long lineId, ModelVersion? version, CancellationToken cancellationToken)
    {
        var line = await models.GetLineAsync(lineId, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var sha256 = version is null ? null : await connection.ExecuteScalarAsync<string?>(new CommandDefinition(SelectSha256, new { versionId = version.Id }, cancellationToken: cancellationToken));
        return new SeenModel(line.Id, line.Name, line.Network, version?.Version, version?.Id, sha256);
    }

    /// <summary>By the rate that the planned conversions say, with half of the eligible customers in each arm.</summary>
    private static (double? Lift, double? Extra) Detectable(Campaign campaign, long? eligible)
    {
        if (eligible is not > 1 || campaign.PlannedConversions is not { } planned || planned >= eligible)
        {
            return (null, null);
        }
        var (arm, rate) = (eligible.Value / 2, planned / (double)eligible.Value);
        var lift = PowerPlan.OfRate(rate).MinimumDetectableLift(arm, Power);
        return (lift, 1000 * arm * rate * lift / ((double)campaign.ImpressionsPerDay * campaign.Days));
    }

    private static SeenBalance BalanceOf(Allocation allocation)
    {
        var balance = SplitBalance.FromJson(allocation.Balance);
        var largest = (balance.Attributes ?? []).Where(attribute => attribute.After is not null).MaxBy(attribute => Math.Abs(attribute.After!.Value));
        return new SeenBalance(
            allocation.ControlCustomers, allocation.TreatmentCustomers, largest?.After, largest is null ? null : largest.Level is { } level ? $"{largest.Name} = {level}" : largest.Name,
            balance.Imbalance, balance.ImbalanceBefore);
    }
}
