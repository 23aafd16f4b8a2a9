using System.Globalization;
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
    /// <summary>Stored arms and hold-back flags that differ from those that salt, frozen scores and attributes give: anything but 0 means that somebody altered them.</summary>
    public int ArmsChanged { get; init; }
}

/// <summary>Joins scores, assignments, plans and outcomes of a campaign, each read once.</summary>
public sealed class CampaignReader(
    CampaignStore campaigns, ScoringStore scorings, AllocationStore allocations, CampaignSplitter splitter, CampaignOutcomeStore back)
{
    /// <param name="at">outcomes that are dated later do not count yet</param>
    /// <exception cref="InputException">there is no such campaign, it has not been split, or its stored customers are not those that were scored</exception>
    public async Task<MeasuredCampaign> ReadAsync(long campaignId, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var campaign = await campaigns.GetAsync(campaignId, cancellationToken);
        var allocation = await allocations.FindAsync(campaign.Id, cancellationToken)
            ?? throw new InputException($"Campaign \"{campaign.Name}\" has not been split yet: allocate a wave first.");
        var waves = await allocations.WavesAsync(campaign.Id, cancellationToken);
        var scoring = (await scorings.FindAsync(allocation.ScoringId, cancellationToken))!;
        var scores = await scorings.ScoresAsync(scoring.Id, cancellationToken);
        var assignments = await allocations.AssignmentsAsync(campaign.Id, cancellationToken);
        RefuseOthers(campaign, scores, assignments);
        var again = await splitter.RedrawAsync(campaign, allocation.Winner, scoring, scores, cancellationToken);
        var changed = again.Zip(assignments).Count(pair => pair.First != pair.Second);
        var plans = Planned(campaign, waves, scores, await allocations.PlansAsync(campaign.Id, cancellationToken));
        var outcomes = await back.OfCampaignAsync(campaign, ClosesAt(campaign, waves), at, cancellationToken);
        return new MeasuredCampaign(campaign, allocation, waves, Join(waves, scores, assignments, plans, outcomes), outcomes) { ArmsChanged = changed };
    }

    /// <summary>When the window of the last published wave closes: the one instant to which everything counts.</summary>
    private static DateTimeOffset ClosesAt(Campaign campaign, IReadOnlyList<Wave> waves) =>
        waves.Count == 0 ? campaign.StartsAt : waves[^1].ImpressionsAt.AddDays(campaign.WindowDays);

    private static void RefuseOthers(Campaign campaign, IReadOnlyList<CustomerScore> scores, IReadOnlyList<Assignment> assignments)
    {
        var same = scores.Count == assignments.Count;
        for (var i = 0; same && i < scores.Count; i++)
        {
            same = scores[i].Customer == assignments[i].Customer;
        }
        if (!same)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"Campaign \"{campaign.Name}\" has scores of {scores.Count:N0} customers and arms of {assignments.Count:N0}, and they are not the same customers: somebody altered what was stored, restore it before anything is measured."));
        }
    }

    /// <summary>[policy][customer], customers in the order of the scores.</summary>
    private static PlannedAction[][] Planned(Campaign campaign, IReadOnlyList<Wave> waves, IReadOnlyList<CustomerScore> scores, IReadOnlyList<PlanRow> plans)
    {
        var waveIndex = waves.Select((w, i) => (w.WaveDate, i)).ToDictionary(w => w.WaveDate, w => w.i);
        var customers = scores.Select(score => score.Customer).ToArray();
        PlannedAction[][] planned = [new PlannedAction[customers.Length], new PlannedAction[customers.Length]];
        foreach (var plan in plans)
        {
            var place = Array.BinarySearch(customers, plan.Customer);
            if (place < 0)
            {
                throw new InputException(
                    $"The wave of {plan.WaveDate:O} of campaign \"{campaign.Name}\" plans for a customer who was not scored: somebody altered what was stored, restore it before anything is measured.");
            }
            planned[plan.Policy][place] = new PlannedAction(CampaignWaves.ActionOf(plan), waveIndex[plan.WaveDate]);
        }
        return planned;
    }

    private static List<CampaignCustomer> Join(
        IReadOnlyList<Wave> waves, IReadOnlyList<CustomerScore> scores, IReadOnlyList<Assignment> assignments, PlannedAction[][] plans, CampaignOutcomes outcomes)
    {
        var customers = new List<CampaignCustomer>(scores.Count);
        for (var i = 0; i < scores.Count; i++)
        {
            var (customer, arm, control, treatment) = (scores[i].Customer, assignments[i].Arm, plans[0][i], plans[1][i]);
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
