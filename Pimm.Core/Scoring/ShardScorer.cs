using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Training;

namespace Pimm.Core.Scoring;

/// <summary>Both pinned models of a plan, opened for as many shards as an attempt gets.</summary>
public sealed record OpenPlan(
    ScorePlan Plan, Campaign Campaign, Audience Audience, ModelVersion ControlVersion, ModelVersion TreatmentVersion, IScorer Control, IScorer Treatment) : IDisposable
{
    public void Dispose()
    {
        Control.Dispose();
        Treatment.Dispose();
    }
}

/// <summary>Scores shards, and writes two while the next is scored, because the database takes longer to write a customer than anything here takes
/// to score one. Memory holds three shards' scores. On like machines a shard's numbers depend on the plan alone, never on who scores
/// it; other processors or numbers of threads add up in another order, so the last bits may differ.</summary>
public sealed class ShardScorer(
    CampaignStore campaigns, AudienceStore audiences, ChampionScorers champions, AudienceReader reader, ScoreShardStore shards)
{
    private const int WrittenAtOnce = 2;

    public async Task<OpenPlan> OpenAsync(ScorePlan plan, CancellationToken cancellationToken)
    {
        if (!plan.ModelsUnchanged)
        {
            throw new InputException("The champions' weights are no longer those that this scoring was planned with: score the campaign again.");
        }
        var campaign = await campaigns.GetAsync(plan.CampaignId, cancellationToken);
        var audience = await audiences.GetAsync(campaign.AudienceId, cancellationToken);
        var control = await champions.VersionAsync(plan.ControlVersionId, cancellationToken);
        var treatment = await champions.VersionAsync(plan.TreatmentVersionId, cancellationToken);
        var controlScorer = await champions.OpenAsync(audience, control, cancellationToken);
        try
        {
            return new OpenPlan(plan, campaign, audience, control, treatment, controlScorer, await champions.OpenAsync(audience, treatment, cancellationToken));
        }
        catch
        {
            controlScorer.Dispose();
            throw;
        }
    }

    /// <summary>Takes shards until none is free. Each is written in a transaction of its own.</summary>
    /// <param name="done">told after each shard, one call at a time</param>
    /// <returns>shards and eligible customers that this attempt did</returns>
    public async Task<(int Shards, long Customers)> ScoreFreeAsync(
        JobExecution run, OpenPlan open, Func<Task> done, CancellationToken cancellationToken)
    {
        var (count, customers) = (0, 0L);
        var writing = new Queue<Task>();
        using var telling = new SemaphoreSlim(1);
        try
        {
            while (await shards.ClaimAsync(run, open.Plan.ScoringId, cancellationToken) is { } shard)
            {
                var result = await ScoreAsync(open, shard, cancellationToken);
                if (writing.Count == WrittenAtOnce)
                {
                    await writing.Dequeue();
                }
                writing.Enqueue(Task.Run(() => WriteAsync(shard.Shard, result), CancellationToken.None));
            }
            await Task.WhenAll(writing);
        }
        catch
        {
            // Nothing of this attempt goes on behind its end.
            await Task.WhenAll(writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        return (count, customers);

        async Task WriteAsync(int shard, ShardResult result)
        {
            var ours = await shards.FinishShardAsync(run, open.Plan.ScoringId, shard, result, cancellationToken);
            await telling.WaitAsync(CancellationToken.None);
            try
            {
                if (ours)
                {
                    (count, customers) = (count + 1, customers + result.Scores.Count);
                    FaultPoint.Reach("score.shard-done");
                }
                else
                {
                    run.Warn($"Shard {shard} was taken by another run meanwhile; what was scored of it here is thrown away.");
                }
                await done();
            }
            finally
            {
                telling.Release();
            }
        }
    }

    private async Task<ShardResult> ScoreAsync(OpenPlan open, ScoreShard shard, CancellationToken cancellationToken)
    {
        var excluded = await shards.ExcludedAsync(open.Plan.ScoringId, shard, cancellationToken);
        var matching = await shards.MatchingAsync(open.Campaign.FilterList(), open.Audience, open.Plan.AudienceVersion, shard, cancellationToken);
        var funnel = new EligibilityFunnel(EligibilityFunnel.StepsOf(open.Campaign, excluded, matching));
        var scores = new List<CustomerScore>();
        var (control, treatment) = (Array.Empty<float>(), Array.Empty<float>());
        await foreach (var batch in reader.CustomersAsync(open.Audience, open.Plan.AudienceVersion, shard.FirstCustomer, shard.NextCustomer, cancellationToken))
        {
            batch.Keep(funnel.Admits);
            if (batch.Count == 0)
            {
                continue;
            }
            if (control.Length < batch.Capacity)
            {
                (control, treatment) = (new float[batch.Capacity], new float[batch.Capacity]);
            }
            open.Control.Score(batch, control.AsSpan(0, batch.Count));
            open.Treatment.Score(batch, treatment.AsSpan(0, batch.Count));
            for (var row = 0; row < batch.Count; row++)
            {
                scores.Add(new CustomerScore(batch.Customers[row], control[row], treatment[row]));
            }
        }
        var counts = funnel.Counts;
        return new ShardResult(counts[0], scores, counts, SHA256.HashData(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(scores))));
    }
}
