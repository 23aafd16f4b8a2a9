using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;

namespace Pimm.Core.Allocating;

/// <summary>What an allocation or an export may be told.</summary>
/// <param name="OnItsDayOnly">when the wave's day is over by the time the run starts, it ends without one; for runs that nobody watches</param>
public sealed record WaveRequest(bool OnItsDayOnly = false);

/// <summary>
/// Splits a campaign's customers when that has not happened yet, then selects one wave: what each arm's own model exports,
/// and what the other one would have. Everything of a wave is written in one transaction, for both arms or for neither.
/// </summary>
public sealed class AllocateWave(
    CampaignStore campaigns, ScoringStore scorings, AllocationStore allocations, CampaignSplitter splitter, StandingApproval approval, TimeProvider time) : IJob
{
    public const string JobKind = "allocate";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var campaign = await campaigns.GetAsync(run.RequiredCampaignId, cancellationToken);
        var today = campaign.DateOf(time.GetUtcNow());
        if (run.ReadArguments<WaveRequest>().OnItsDayOnly && await NothingToDoAsync(campaign, run.LogicalDate, today, cancellationToken) is { } reason)
        {
            await run.CompleteAsync(new { wave = (DateOnly?)null, note = $"nothing to do: {reason}" }, null, cancellationToken);
            return;
        }
        await approval.DemandEarlyAsync(campaign.Id, cancellationToken);
        var waves = await allocations.WavesAsync(campaign.Id, cancellationToken);
        var date = DateOf(campaign, waves, run.LogicalDate, today);
        var existing = await allocations.FindAsync(campaign.Id, cancellationToken);
        var scoring = existing is null ? await scorings.NewestAsync(campaign.Id, cancellationToken) : await scorings.FindAsync(existing.ScoringId, cancellationToken);
        _ = scoring ?? throw new InputException($"Campaign \"{campaign.Name}\" has no scores yet: score it first.");
        if (existing is null)
        {
            scoring.RequireDefinition(campaign);
        }
        var scores = await scorings.ScoresAsync(scoring.Id, cancellationToken);

        run.Report(0.2, existing is null ? $"splitting {scores.Count:N0} customers" : "reading the earlier waves");
        var split = existing is null ? await splitter.DrawAsync(campaign, scoring, scores, cancellationToken) : null;
        var assignments = split?.Assignments ?? await allocations.AssignmentsAsync(campaign.Id, cancellationToken);
        var plans = waves.Count == 0 ? [] : await allocations.PlansAsync(campaign.Id, cancellationToken);

        run.Report(0.6, $"selecting the wave of {date:yyyy-MM-dd}");
        var (wave, rows) = CampaignWaves.Select(campaign, scoring.Id, date, scores, assignments, plans);

        var allocation = existing ?? split!.Allocation;
        await run.CompleteAsync(
            new
            {
                wave = date, wave.Impressions, wave.Exploration, requested = campaign.ImpressionsPerDay,
                allocation.ControlCustomers, allocation.TreatmentCustomers, note = allocation.UnequalArms,
            },
            async connection =>
            {
                await CampaignStore.HoldAsync(connection, campaign);
                await approval.DemandAsync(connection, campaign.Id);
                if (split is not null)
                {
                    await allocations.AddSplitAsync(connection, split.Allocation, split.Assignments, run.RunId, cancellationToken);
                }
                await allocations.AddWaveAsync(connection, wave, rows, waves.Count == 0 ? null : waves[^1].WaveDate, run.RunId, cancellationToken);
            }, cancellationToken);
    }

    private async Task<string?> NothingToDoAsync(Campaign campaign, DateOnly? asked, DateOnly today, CancellationToken cancellationToken) =>
        await approval.RestsAsync(campaign.Id, cancellationToken) is { } rests ? $"the campaign is {rests}"
        : asked < today ? $"{asked:yyyy-MM-dd} is over in {campaign.TimeZone}, and a wave counts from a day on which its lists can be delivered" : null;

    /// <summary>
    /// The asked day, or the first one after the newest wave; while the campaign runs never one that is over, since a missed day
    /// stays missing: its impressions would be counted from a day on which nobody saw them.
    /// </summary>
    private static DateOnly DateOf(Campaign campaign, IReadOnlyList<Wave> waves, DateOnly? asked, DateOnly today)
    {
        var last = campaign.StartsOn.AddDays(campaign.Days - 1);
        var next = waves.Count == 0 ? campaign.StartsOn : waves[^1].WaveDate.AddDays(1);
        var date = asked ?? (today > next && today <= last ? today : next);
        if (date < campaign.StartsOn || date > last)
        {
            throw new InputException($"{date:yyyy-MM-dd} is no day of campaign \"{campaign.Name}\": it runs from {campaign.StartsOn:yyyy-MM-dd} to {last:yyyy-MM-dd}.");
        }
        if (waves.Any(w => w.WaveDate >= date))
        {
            throw new InputException($"Campaign \"{campaign.Name}\" has a wave on {waves[^1].WaveDate:yyyy-MM-dd} already: waves are selected in order, each once.");
        }
        return date;
    }
}
