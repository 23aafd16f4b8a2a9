using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;

namespace Pimm.Core.Lift;

/// <summary>A customer of a measured campaign: who, and what the report is computed from.</summary>
public readonly record struct CampaignCustomer(Guid Customer, LiftCustomer Measured);

/// <summary>Everything a campaign has stored about its customers, in the order of the customers.</summary>
public sealed record MeasuredCampaign(
    Campaign Campaign, Allocation Allocation, IReadOnlyList<Wave> Waves, IReadOnlyList<CampaignCustomer> Customers, CampaignOutcomes Outcomes)
{
    /// <summary>Stored arms that differ from those that salt, frozen scores and attributes give: anything but 0 means that somebody altered them.</summary>
    public int ArmsChanged { get; init; }
}

/// <summary>Joins scores, assignments, plans and outcomes of a campaign, each read once.</summary>
public sealed class CampaignReader(
    CampaignStore campaigns, ScoringStore scorings, AllocationStore allocations, CampaignSplitter splitter, CampaignOutcomeStore back)
{
    /// <exception cref="InputException">there is no such campaign, or it has not been split</exception>
    public async Task<MeasuredCampaign> ReadAsync(long campaignId, CancellationToken cancellationToken)
    {
        var campaign = await campaigns.GetAsync(campaignId, cancellationToken);
        var allocation = await allocations.FindAsync(campaign.Id, cancellationToken)
            ?? throw new InputException($"Campaign \"{campaign.Name}\" has not been split yet: allocate a wave first.");
        var waves = await allocations.WavesAsync(campaign.Id, cancellationToken);
        var scoring = (await scorings.FindAsync(allocation.ScoringId, cancellationToken))!;
        var scores = await scorings.ScoresAsync(scoring.Id, cancellationToken);
        var assignments = await allocations.AssignmentsAsync(campaign.Id, cancellationToken);
        var plans = await allocations.PlansAsync(campaign.Id, cancellationToken);
        var outcomes = await back.OfCampaignAsync(campaign, cancellationToken);
        var again = (await splitter.RedrawAsync(campaign, scoring, scores, cancellationToken)).Assignments;
        return new MeasuredCampaign(campaign, allocation, waves, Join(waves, scores, assignments, plans, outcomes), outcomes)
        {
            ArmsChanged = again.Zip(assignments).Count(pair => pair.First.Arm != pair.Second.Arm),
        };
    }

    private static List<CampaignCustomer> Join(
        IReadOnlyList<Wave> waves, IReadOnlyList<CustomerScore> scores, IReadOnlyList<Assignment> assignments, IReadOnlyList<PlanRow> plans, CampaignOutcomes outcomes)
    {
        var waveIndex = waves.Select((w, i) => (w.WaveDate, i)).ToDictionary(w => w.WaveDate, w => w.i);
        var planned = new Dictionary<(Guid, byte), PlannedAction>(plans.Count);
        foreach (var plan in plans)
        {
            planned.Add((plan.Customer, plan.Policy), new PlannedAction(CampaignWaves.ActionOf(plan), waveIndex[plan.WaveDate]));
        }
        var customers = new List<CampaignCustomer>(scores.Count);
        for (var i = 0; i < scores.Count; i++)
        {
            var (customer, arm) = (scores[i].Customer, assignments[i].Arm);
            var control = planned.GetValueOrDefault((customer, (byte)0));
            var treatment = planned.GetValueOrDefault((customer, (byte)1));
            var actual = arm == 0 ? control : treatment;
            var reached = actual.Action is WaveAction.Exported or WaveAction.Explored;
            customers.Add(new CampaignCustomer(customer, new LiftCustomer(
                (Arm)arm, scores[i].Control, scores[i].Treatment,
                outcomes.FirstConversion.TryGetValue(customer, out var at) ? at : null, actual,
                reached && outcomes.Delivered.Contains((customer, waves[actual.Wave].WaveDate)), control, treatment,
                outcomes.Amounts.TryGetValue(customer, out var amount) ? amount : null)));
        }
        return customers;
    }
}
