using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scoring;

/// <summary>Scores every eligible customer of a campaign with both lines' champions and keeps both scores. Who is eligible is decided here, once: scores,
/// assignments and everything later have the same customers. The work is cut into shards, which further runs share.</summary>
public sealed class ScoreCampaign(CampaignStore campaigns, ScorePlanner planner, ShardScorer scorer, ScoreShardStore shards) : IJob
{
    public const string JobKind = "score";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var campaign = await campaigns.GetAsync(run.RequiredCampaignId, cancellationToken);
        var plan = await planner.PlanAsync(run, campaign, cancellationToken);
        using var open = await scorer.OpenAsync(plan, cancellationToken);
        var done = await ScoreAllAsync(run, open, cancellationToken);

        var exclusions = EligibilityFunnel.ToJson(EligibilityFunnel.StepsOf(campaign, new Dictionary<Guid, string>()), await shards.ExclusionsAsync(plan.ScoringId, cancellationToken));
        if (done.Scored == 0)
        {
            await run.CommitAsync(connection => shards.DiscardAsync(connection, plan.ScoringId, run.RunId), cancellationToken);
            throw new InputException($"No customer is left for campaign \"{campaign.Name}\" ({exclusions}): widen its filter, its traffic share, its layer's range or its contact limit, or look at who agreed and who opted out.");
        }
        await run.CompleteAsync(
            new { customers = done.Scored, controlVersion = open.ControlVersion.Version, treatmentVersion = open.TreatmentVersion.Version, shards = done.Shards },
            async connection =>
            {
                await shards.FinishAsync(connection, plan, done.Scored, exclusions, run);
                FaultPoint.Reach("score.finishing");
            }, cancellationToken);
    }

    /// <summary>Scores what is free and waits for what others have; theirs is free when their lease is gone, whatever they still hold.</summary>
    private async Task<ShardProgress> ScoreAllAsync(JobExecution run, OpenPlan open, CancellationToken cancellationToken)
    {
        while (true)
        {
            await shards.EndLostAsync(open.Plan.ScoringId, cancellationToken);
            await scorer.ScoreFreeAsync(run, open, () => ReportAsync(run, open, cancellationToken), cancellationToken);
            var progress = await ReportAsync(run, open, cancellationToken);
            if (progress.Done == progress.Shards)
            {
                return progress;
            }
            await Task.Delay(planner.Options.Poll, cancellationToken);
        }
    }

    private async Task<ShardProgress> ReportAsync(JobExecution run, OpenPlan open, CancellationToken cancellationToken)
    {
        var progress = await shards.ProgressAsync(open.Plan.ScoringId, cancellationToken);
        run.Report((double)progress.Done / progress.Shards, $"{progress.Scored:N0} customers scored, {progress.Asked:N0} looked at, {progress.Done:N0} of {progress.Shards:N0} shards done");
        return progress;
    }
}
