using Microsoft.Extensions.Options;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scoring;

/// <summary>What a run of the kind "score-shard" is asked to do: shards of a scoring until none is left.</summary>
/// <param name="RunId">the run that was asked for the scoring; when it is given up, so is this</param>
public sealed record ScoreShardsRequest(long ScoringId, long RunId);

/// <summary>Decides once what a scoring is made of, and asks for runs that help with it.</summary>
public sealed class ScorePlanner(
    AudienceStore audiences, ChampionScorers champions, ScoreShardStore shards, JobQueue queue, IOptions<ScoringOptions> options)
{
    public ScoringOptions Options => options.Value;

    /// <summary>The run's plan: the one an earlier attempt made, or a new one.</summary>
    public async Task<ScorePlan> PlanAsync(JobExecution run, Campaign campaign, CancellationToken cancellationToken)
    {
        options.Value.Validate();
        var known = await shards.FindPlanAsync(run.RunId, cancellationToken);
        var definition = campaign.ScoredDefinition();
        if (known is not null && run.Attempt > 1 && known.Definition == definition)
        {
            return TakenUp(run, known);
        }
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);
        var version = await audiences.NewestVersionAsync(audience.Id, cancellationToken)
            ?? throw new InputException($"The audience \"{audience.Name}\" has no customers yet: import a customer file first.");
        var control = await champions.ChampionAsync(campaign.ControlLineId, cancellationToken);
        var treatment = await champions.ChampionAsync(campaign.TreatmentLineId, cancellationToken);

        var ranges = ScoreShard.Of(options.Value.ShardsOf(version.Customers));
        var plan = new ScorePlan(0, campaign.Id, version.Version, control.Id, treatment.Id, ModelsUnchanged: true, definition);
        // A first attempt with a plan: somebody tries the run again, maybe weeks later.
        if (known == plan with { ScoringId = known?.ScoringId ?? 0 })
        {
            return TakenUp(run, known!);
        }
        if (known is not null)
        {
            run.Log("The scoring was planned with champions, customers or a definition that are no longer the newest; it is planned anew.");
            await shards.EndLostAsync(known.ScoringId, cancellationToken);
        }
        await run.CommitAsync(async connection =>
        {
            if (known is not null)
            {
                await shards.DiscardAsync(connection, known.ScoringId, run.RunId);
            }
            plan = plan with { ScoringId = await shards.AddAsync(connection, campaign, audience, plan, ranges, run.RunId) };
            for (var assistant = 1; assistant <= Math.Min(options.Value.Assistants, ranges.Count - 1); assistant++)
            {
                await queue.EnqueueAsync(new JobRequest(
                    ScoreShards.JobKind, $"scoring {plan.ScoringId}/{assistant}", new ScoreShardsRequest(plan.ScoringId, run.RunId), campaign.Id), connection);
            }
        }, cancellationToken);
        FaultPoint.Reach("score.planned");
        return plan;
    }

    private static ScorePlan TakenUp(JobExecution run, ScorePlan known)
    {
        run.Log("The scoring was planned by an earlier attempt, which is taken up.");
        return known;
    }
}
