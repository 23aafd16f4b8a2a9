using Pimm.Core.Allocating;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Allocating;

public sealed class WaveSelectorTests
{
    private static readonly SelectionSalts Salts = new("hold", "explore", "tie", HoldBackShare: 0.1);

    private static ArmState Arm(string name, int customers, ulong seed, double holdBackShare = 0.1, bool sameScores = false)
    {
        var stream = new RandomStream(seed);
        Guid[] keys = Enumerable.Range(0, customers).Select(i => CustomerHash.Of($"{name}-{i}")).ToArray();
        float[] control = keys.Select(_ => (float)stream.NextDouble()).ToArray();
        float[] treatment = sameScores ? control : keys.Select(_ => (float)stream.NextDouble()).ToArray();
        return new ArmState(new ArmCustomers(keys, control, treatment, Salts with { HoldBackShare = holdBackShare }));
    }

    [Fact]
    public void A_wave_exports_the_highest_unflagged_scores_and_holds_back_the_flagged_ones_it_passes()
    {
        ArmState control = Arm("c", 2000, 1), treatment = Arm("t", 2100, 2);
        WavePlan wave = WaveSelector.PlanWave(control, treatment, 0, 200, 0);
        PolicyPlan own = wave.Treatment.Own;
        own.Policy.ShouldBe(Pimm.Core.Allocating.Arm.Treatment);
        float[] scores = treatment.Customers.Scores[1];
        own.Members.Select(m => m.Rank!.Value).ShouldBe(Enumerable.Range(1, own.Members.Count));
        own.Members.Zip(own.Members.Skip(1)).ShouldAllBe(pair => scores[pair.First.Customer] >= scores[pair.Second.Customer]);
        own.Members.ShouldAllBe(m => (m.Action == WaveAction.HeldBack) == treatment.Customers.Flagged[m.Customer]);
        own.Members.Count(m => m.Action == WaveAction.Exported).ShouldBe(200);
        own.CutOff.ShouldBe(scores[own.Members[^1].Customer]);
        int above = Enumerable.Range(0, 2100).Count(i => scores[i] >= own.CutOff);
        above.ShouldBe(own.Members.Count);
    }

    [Fact]
    public void Nobody_is_reached_twice_and_a_held_back_customer_is_never_ranked_again()
    {
        ArmState control = Arm("c", 3000, 3), treatment = Arm("t", 3000, 4);
        var reached = new HashSet<int>();
        for (int w = 0; w < 5; w++)
            foreach (WaveMember member in WaveSelector.PlanWave(control, treatment, w, 300, 0.05).Control.Own.Members)
                reached.Add(member.Customer).ShouldBeTrue();
        reached.Count(i => control.Customers.Flagged[i]).ShouldBeGreaterThan(100);
        reached.Count(i => !control.Customers.Flagged[i]).ShouldBe(1500);
    }

    [Fact]
    public void Exploration_is_the_same_under_both_policies_and_its_propensity_is_logged()
    {
        ArmState control = Arm("c", 3000, 5), treatment = Arm("t", 3000, 6);
        WaveSelector.PlanWave(control, treatment, 0, 400, 0.1);
        int pool = Enumerable.Range(0, 3000).Count(i => !control.Customers.Flagged[i] && control.ControlPlan.IsFree(i) && control.TreatmentPlan.IsFree(i));
        ArmWave wave = WaveSelector.PlanWave(control, treatment, 1, 400, 0.1).Control;
        int[] Explored(PolicyPlan plan) => plan.Members.Where(m => m.Action == WaveAction.Explored).Select(m => m.Customer).ToArray();
        Explored(wave.Own).ShouldBe(Explored(wave.Shadow));
        Explored(wave.Own).Length.ShouldBe(40);
        wave.ExplorationPropensity.ShouldBe(40.0 / pool);
        wave.Own.Members.Count(m => m.Action is WaveAction.Explored or WaveAction.Exported).ShouldBe(400);
    }

    [Fact]
    public void Exploration_reaches_every_score_alike()
    {
        ArmState control = Arm("c", 20_000, 7), treatment = Arm("t", 20_000, 8);
        WavePlan wave = WaveSelector.PlanWave(control, treatment, 0, 2000, 1);
        double mean = wave.Control.Own.Members.Average(m => control.Customers.Scores[0][m.Customer]);
        mean.ShouldBe(0.5, 4 * Math.Sqrt(1.0 / 12 / 2000));
    }

    [Fact]
    public void Both_arms_are_cut_to_the_smaller_where_one_cannot_fill()
    {
        ArmState control = Arm("c", 500, 9), treatment = Arm("t", 90, 10);
        WavePlan wave = WaveSelector.PlanWave(control, treatment, 0, 200, 0.05);
        int free = treatment.Customers.Flagged.Count(flagged => !flagged);
        (wave.Requested, wave.Impressions).ShouldBe((200, free));
        foreach (PolicyPlan plan in new[] { wave.Control.Own, wave.Control.Shadow, wave.Treatment.Own, wave.Treatment.Shadow })
            plan.Members.Count(m => m.Action != WaveAction.HeldBack).ShouldBe(free);
    }

    [Fact]
    public void Ties_go_by_hash_and_never_by_the_order_of_rows()
    {
        Guid[] keys = Enumerable.Range(0, 1000).Select(i => CustomerHash.Of($"k{i}")).ToArray();
        var reversedKeys = keys.Reverse().ToArray();
        var forward = new ArmState(new ArmCustomers(keys, new float[1000], new float[1000], Salts));
        var backward = new ArmState(new ArmCustomers(reversedKeys, new float[1000], new float[1000], Salts));
        Guid[] Reached(ArmState arm, Guid[] names) => WaveSelector.PlanWave(arm, Arm("t", 1000, 11), 0, 50, 0.1).Control.Own.Members.Select(m => names[m.Customer]).ToArray();
        Reached(backward, reversedKeys).ShouldBe(Reached(forward, keys));
    }

    [Fact]
    public void Two_equal_policies_never_part_and_different_ones_part_in_the_wave_where_they_first_differ()
    {
        ArmState same = Arm("c", 1000, 12, sameScores: true), other = Arm("t", 1000, 13);
        for (int w = 0; w < 3; w++)
            WaveSelector.PlanWave(same, other, w, 100, 0.05);
        Enumerable.Range(0, 1000).ShouldAllBe(i => CampaignPlanState.DivergenceWave(same.ControlPlan[i], same.TreatmentPlan[i]) == -1);
        Enumerable.Range(0, 1000).Count(i => CampaignPlanState.DivergenceWave(other.ControlPlan[i], other.TreatmentPlan[i]) >= 0).ShouldBeGreaterThan(300);
        CampaignPlanState.DivergenceWave(new(WaveAction.Exported, 2), default).ShouldBe(2);
        CampaignPlanState.DivergenceWave(new(WaveAction.Exported, 2), new(WaveAction.Exported, 1)).ShouldBe(1);
        CampaignPlanState.DivergenceWave(new(WaveAction.HeldBack, 2), new(WaveAction.Exported, 2)).ShouldBe(2);
    }

    [Fact]
    public void A_wave_is_planned_once_and_bad_bounds_are_refused()
    {
        ArmState control = Arm("c", 100, 14), treatment = Arm("t", 100, 15);
        WaveSelector.PlanWave(control, treatment, 0, 10, 0);
        Should.Throw<InputException>(() => WaveSelector.PlanWave(control, treatment, 0, 10, 0)).Message.ShouldContain("already planned");
        Should.Throw<InputException>(() => WaveSelector.PlanWave(control, treatment, 1, 0, 0));
        Should.Throw<InputException>(() => WaveSelector.PlanWave(control, treatment, 1, 10, 1.5));
        Should.Throw<InputException>(() => Arm("x", 10, 1, holdBackShare: 1));
    }

    [Fact]
    public void A_plan_goes_on_from_stored_actions_as_if_it_had_never_stopped()
    {
        ArmState control = Arm("c", 800, 16), treatment = Arm("t", 800, 17);
        WaveSelector.PlanWave(control, treatment, 0, 50, 0.1);
        ArmState Restored(ArmState arm) => new(arm.Customers, Copy(arm.ControlPlan), Copy(arm.TreatmentPlan));
        CampaignPlanState Copy(CampaignPlanState plan) => new(Enumerable.Range(0, plan.Count).Select(i => plan[i]).ToArray());
        WavePlan again = WaveSelector.PlanWave(Restored(control), Restored(treatment), 1, 50, 0.1);
        WavePlan straight = WaveSelector.PlanWave(control, treatment, 1, 50, 0.1);
        again.Control.Own.Members.ShouldBe(straight.Control.Own.Members);
        again.Treatment.Shadow.Members.ShouldBe(straight.Treatment.Shadow.Members);
    }

    /// <summary>Scores of few values, so that most places are decided by the hash.</summary>
    [Theory]
    [InlineData(1, 0.0)]
    [InlineData(3, 0.1)]
    [InlineData(1000, 0.9)]
    public void A_wave_is_what_sorting_everybody_gives_at_any_thread_count(int levels, double holdBackShare)
    {
        var stream = new RandomStream((ulong)levels);
        foreach (int threads in new[] { 1, 2, 7 })
        {
            ArmState Coarse(string name, int customers)
            {
                Guid[] keys = [.. Enumerable.Range(0, customers).Select(i => CustomerHash.Of($"{name}-{i}"))];
                float[] Scores() => [.. keys.Select(_ => (float)stream.NextInt(levels))];
                return new ArmState(new ArmCustomers(keys, Scores(), Scores(), Salts with { HoldBackShare = holdBackShare }));
            }
            ArmState control = Coarse("c", 3_000), treatment = Coarse("t", 3_100);
            for (int wave = 0; wave < 3; wave++)
            {
                (ArmState Arm, CampaignPlanState[] Plans)[] before = [.. new[] { control, treatment }.Select(a => (a, new[] { Copy(a.ControlPlan), Copy(a.TreatmentPlan) }))];
                WavePlan plan = WaveSelector.PlanWave(control, treatment, wave, 70, wave == 1 ? 0.3 : 0, threads);
                foreach (var (arm, found) in before.Zip(new[] { plan.Control, plan.Treatment }))
                    foreach (PolicyPlan policy in new[] { found.Own, found.Shadow })
                        policy.Members.ShouldBe(Sorted(arm.Arm.Customers, arm.Plans, (int)policy.Policy, plan.Impressions, found.Explored));
            }
        }
        static CampaignPlanState Copy(CampaignPlanState plan) => new([.. Enumerable.Range(0, plan.Count).Select(i => plan[i])]);
    }

    private static List<WaveMember> Sorted(ArmCustomers arm, CampaignPlanState[] plans, int policy, int impressions, int explored)
    {
        List<WaveMember> members = [.. Enumerable.Range(0, arm.Count).Where(i => !arm.Flagged[i] && plans.All(plan => plan.IsFree(i)))
            .OrderBy(arm.ExplorationHash).Take(explored).Select(i => new WaveMember(i, WaveAction.Explored, null))];
        HashSet<int> taken = [.. members.Select(member => member.Customer)];
        int left = impressions - explored;
        foreach (int i in Enumerable.Range(0, arm.Count).Where(i => plans[policy].IsFree(i) && !taken.Contains(i)).OrderByDescending(i => arm.Scores[policy][i]).ThenBy(arm.TieHash))
        {
            if (left == 0)
                break;
            left -= arm.Flagged[i] ? 0 : 1;
            members.Add(new WaveMember(i, arm.Flagged[i] ? WaveAction.HeldBack : WaveAction.Exported, members.Count - explored + 1));
        }
        return members;
    }
}
