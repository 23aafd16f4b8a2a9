using Pimm.Core.Queueing;

namespace Pimm.Core.Scoring;

/// <summary>Helps with a scoring: takes shards until none is free. What others have is theirs, or the planning run's when they fall silent.</summary>
public sealed class ScoreShards(ShardScorer scorer, ScoreShardStore shards) : IJob
{
    public const string JobKind = "score-shard";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<ScoreShardsRequest>();
        var plan = await shards.FindPlanAsync(request.RunId, cancellationToken);
        var (count, customers) = (0, 0L);
        // Finished or given up before a worker was free; or given up and planned again, with assistants of its own.
        if (plan?.ScoringId == request.ScoringId)
        {
            using var open = await scorer.OpenAsync(plan, cancellationToken);
            (count, customers) = await scorer.ScoreFreeAsync(run, open, () => ReportAsync(run, plan, cancellationToken), cancellationToken);
        }
        await run.CompleteAsync(new { shards = count, customers }, null, cancellationToken);
    }

    private async Task ReportAsync(JobExecution run, ScorePlan plan, CancellationToken cancellationToken)
    {
        var progress = await shards.ProgressAsync(plan.ScoringId, cancellationToken);
        if (progress.Shards > 0)
        {
            run.Report((double)progress.Done / progress.Shards, $"{progress.Done:N0} of {progress.Shards:N0} shards done by all runs");
        }
    }
}
