using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;

namespace Pimm.Core.Allocating;

/// <summary>Selects a stored campaign's next wave out of its frozen scores, its assignments and its earlier plans. Pure.</summary>
public static class CampaignWaves
{
    private const byte Exported = 1;
    private const byte HeldBack = 2;

    /// <param name="scores">ordered by customer</param>
    /// <param name="assignments">the same customers in the same order</param>
    /// <param name="plans">every row of the earlier waves</param>
    public static (Wave Wave, IReadOnlyList<PlanRow> Rows) Select(
        Campaign campaign, long scoringId, DateOnly date, IReadOnlyList<CustomerScore> scores, IReadOnlyList<Assignment> assignments,
        IReadOnlyList<PlanRow> plans)
    {
        var control = StateOf(campaign, Arm.Control, scores, assignments, plans);
        var treatment = StateOf(campaign, Arm.Treatment, scores, assignments, plans);
        var plan = WaveSelector.PlanWave(control, treatment, IndexOf(campaign, date), campaign.ImpressionsPerDay, campaign.ExplorationShare);

        var rows = new List<PlanRow>();
        AddRows(rows, date, plan.Control, control);
        AddRows(rows, date, plan.Treatment, treatment);
        var wave = new Wave(
            campaign.Id, date, scoringId, plan.Impressions, plan.Control.Explored, (float?)plan.Control.Own.CutOff,
            (float?)plan.Treatment.Own.CutOff, campaign.StartOf(date), default);
        return (wave, rows);
    }

    private static int IndexOf(Campaign campaign, DateOnly date) => date.DayNumber - campaign.StartsOn.DayNumber;

    private static ArmState StateOf(
        Campaign campaign, Arm arm, IReadOnlyList<CustomerScore> scores, IReadOnlyList<Assignment> assignments, IReadOnlyList<PlanRow> plans)
    {
        var members = Enumerable.Range(0, scores.Count).Where(i => assignments[i].Arm == (byte)arm).ToArray();
        var position = new Dictionary<Guid, int>(members.Length);
        for (var i = 0; i < members.Length; i++)
        {
            if (assignments[members[i]].Customer != scores[members[i]].Customer)
            {
                throw new InvalidOperationException("The assignments are not those of the scored customers: the wave was not selected.");
            }
            position.Add(scores[members[i]].Customer, i);
        }
        var customers = new ArmCustomers(
            [.. members.Select(i => scores[i].Customer)], [.. members.Select(i => (double)scores[i].Control)],
            [.. members.Select(i => (double)scores[i].Treatment)],
            new SelectionSalts(campaign.SaltFor("hold-back"), campaign.SaltFor("exploration"), campaign.SaltFor("tie"), campaign.HoldbackShare));
        return new ArmState(customers, StateOf(campaign, arm, Arm.Control, position, plans), StateOf(campaign, arm, Arm.Treatment, position, plans));
    }

    private static CampaignPlanState StateOf(Campaign campaign, Arm arm, Arm policy, Dictionary<Guid, int> position, IReadOnlyList<PlanRow> plans)
    {
        var actions = new PlannedAction[position.Count];
        foreach (var plan in plans)
        {
            if (plan.Arm == (byte)arm && plan.Policy == (byte)policy)
            {
                actions[position[plan.Customer]] = new PlannedAction(ActionOf(plan), IndexOf(campaign, plan.WaveDate));
            }
        }
        return new CampaignPlanState(actions);
    }

    /// <summary>What a stored row says the plan does with its customer.</summary>
    public static WaveAction ActionOf(PlanRow plan) =>
        plan.Action == HeldBack ? WaveAction.HeldBack : plan.Exploration ? WaveAction.Explored : WaveAction.Exported;

    private static void AddRows(List<PlanRow> rows, DateOnly date, ArmWave wave, ArmState state)
    {
        foreach (var plan in (PolicyPlan[])[wave.Own, wave.Shadow])
        {
            foreach (var member in plan.Members)
            {
                var explored = member.Action == WaveAction.Explored;
                rows.Add(new PlanRow(
                    state.Customers.Customers[member.Customer], date, (byte)plan.Policy, (byte)wave.Arm,
                    member.Action == WaveAction.HeldBack ? HeldBack : Exported, explored, member.Rank,
                    explored ? (float?)wave.ExplorationPropensity : null));
            }
        }
    }
}
