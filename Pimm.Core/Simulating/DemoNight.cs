using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Lift;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;

namespace Pimm.Core.Simulating;

/// <summary>
/// A jump in time: plays the next night and day of every simulated campaign that runs, ahead of the clock where need be. A simulated
/// market lives in a time of its own; a real campaign is never touched.
/// </summary>
public sealed class DemoNight(CampaignStore campaigns, AllocationStore allocations, LifeStore lives, JobQueue queue)
{
    /// <param name="by">who asks, as the audit names actors</param>
    /// <returns>the last run of each campaign: when it has succeeded, the night is over</returns>
    /// <exception cref="InputException">no simulated campaign has a night left</exception>
    public async Task<IReadOnlyList<long>> StartAsync(string by, string folder, CancellationToken cancellationToken)
    {
        var started = new List<long>();
        var simulated = (await campaigns.ListAsync("", 0, 1_000)).Where(summary => summary.Simulated).Select(summary => summary.Id).ToList();
        var states = await lives.StatesAsync(simulated, cancellationToken);
        foreach (var id in simulated.Where(id => states[id] is LifeStates.Running or LifeStates.Approved or LifeStates.Scheduled))
        {
            var campaign = await campaigns.GetAsync(id, cancellationToken);
            var waves = await allocations.WavesAsync(id, cancellationToken);
            var next = waves.Count == 0 ? campaign.StartsOn : waves[^1].WaveDate.AddDays(1);
            if (next < campaign.StartsOn.AddDays(campaign.Days))
            {
                started.Add(await StartAsync(campaign, next, by, folder, cancellationToken));
            }
        }
        return started.Count > 0 ? started
            : throw new InputException("No simulated campaign has a night left: approve the one that waits, or load the demo anew with ./pimm demo reset.");
    }

    private async Task<long> StartAsync(Campaign campaign, DateOnly date, string by, string folder, CancellationToken cancellationToken)
    {
        var key = FormattableString.Invariant($"demo/{campaign.Id}/{date:yyyy-MM-dd}");
        var allocated = await queue.EnqueueAsync(new JobRequest(AllocateWave.JobKind, key, new { }, campaign.Id, date), by, cancellationToken);
        var exported = await queue.EnqueueAsync(new JobRequest(ExportWave.JobKind, key, new { }, campaign.Id, date, After: [allocated]), by, cancellationToken);
        return await queue.EnqueueAsync(new JobRequest(DemoDay.JobKind, key, new DemoDayRequest(folder), campaign.Id, date, After: [exported]), by, cancellationToken);
    }
}

/// <param name="Folder">where the outcome file is written</param>
public sealed record DemoDayRequest(string Folder);

/// <summary>The day after a simulated night: the market answers, and what came back is asked to be counted.</summary>
public sealed class DemoDay(CampaignStore campaigns, MarketPlayer market, JobQueue queue) : IJob
{
    public const string JobKind = "demo-day";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var campaign = await campaigns.GetAsync(run.RequiredCampaignId, cancellationToken);
        var date = run.LogicalDate ?? throw new InputException("A day of the demo needs its date.");
        var ends = campaign.StartOf(date.AddDays(1));
        run.Report(0.2, $"the market answers to the wave of {date:yyyy-MM-dd}");
        // By the day until which is told, as the runs that loaded the demo.
        var outcomes = await market.WriteOutcomesAsync(campaign, ends, run.ReadArguments<DemoDayRequest>().Folder, cancellationToken);
        var key = FormattableString.Invariant($"demo/{campaign.Id}/{date.AddDays(1):yyyy-MM-dd}");
        await run.CompleteAsync(new { wave = date, until = ends }, async connection =>
        {
            var taken = await queue.EnqueueAsync(new JobRequest(
                ImportOutcomes.JobKind, key, new OutcomesRequest(campaign.AudienceId, outcomes, RunDemo.OutcomeSource), campaign.Id), connection);
            await queue.EnqueueAsync(new JobRequest(MeasureLift.JobKind, key, new LiftRequest { AsOf = ends }, campaign.Id, After: [taken]), connection);
        }, cancellationToken);
    }
}
