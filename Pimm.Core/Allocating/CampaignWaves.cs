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
        var salts = new SelectionSalts(campaign.SaltFor("hold-back"), campaign.SaltFor("exploration"), campaign.SaltFor("tie"), campaign.HoldbackShare);
        ArmState[] states = [.. ArmMembers.Of(scores, assignments).Select(arm => new ArmState(new ArmCustomers(arm.Customers, arm.ControlScores, arm.TreatmentScores, salts, arm.Flagged)))];
        var (control, treatment) = (states[(int)Arm.Control], states[(int)Arm.Treatment]);
        Record(states, campaign, plans);
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

    private static void Record(ArmState[] states, Campaign campaign, IReadOnlyList<PlanRow> plans)
    {
        int[] places = [0, 0];
        foreach (var plan in plans)
        {
            ref var place = ref places[plan.Arm];
            place = PlaceOf(states[plan.Arm].Customers.Customers, plan.Customer, place);
            states[plan.Arm].Plan((Arm)plan.Policy).Record(place, ActionOf(plan), IndexOf(campaign, plan.WaveDate));
        }
    }

    /// <summary>Plans come by customer, wave for wave, so the next one is mostly a little further on.</summary>
    private static int PlaceOf(Guid[] customers, Guid wanted, int from)
    {
        var (low, step) = (from < customers.Length && customers[from].CompareTo(wanted) <= 0 ? from : 0, 1);
        while (low + step < customers.Length && customers[low + step].CompareTo(wanted) <= 0)
        {
            (low, step) = (low + step, 2 * step);
        }
        var found = Array.BinarySearch(customers, low, Math.Min(step, customers.Length - low), wanted);
        return found >= 0 ? found : throw new InvalidOperationException("An earlier wave has a customer who is not in its arm: the wave was not selected.");
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
