namespace Pimm.Core.Allocating;

/// <summary>One customer in a plan of a wave: position in the arm, what happens, and the rank in that policy's walk (1 = highest score still ranked; null for exploration).</summary>
public readonly record struct WaveMember(int Customer, WaveAction Action, int? Rank);

/// <summary>
/// One policy's plan of a wave in one arm. Members: explored in the order of their hash, then exported and held back in the
/// order of the walk. CutOff: the score of the last one exported by rank, null where nobody was. Exported counts exploration.
/// </summary>
public sealed record PolicyPlan(Arm Policy, IReadOnlyList<WaveMember> Members, double? CutOff, int Exported, int HeldBack);

/// <summary>
/// A wave of one arm: its own policy's plan (what is exported) and the shadow (what the other would have done with the same
/// customers). ExplorationPropensity: explored ÷ those who could have been, null without exploration. Overlap: customers
/// whom both plans export ÷ exported.
/// </summary>
public sealed record ArmWave(Arm Arm, PolicyPlan Own, PolicyPlan Shadow, int Explored, double? ExplorationPropensity, double? Overlap);

/// <summary>Both arms' wave. Impressions: exported in each arm, Requested: N as asked for; smaller where an arm could not fill.</summary>
public sealed record WavePlan(int Wave, int Requested, int Impressions, ArmWave Control, ArmWave Treatment);

/// <summary>An arm's customers and what both policies have planned for them so far.</summary>
public sealed record ArmState(ArmCustomers Customers, CampaignPlanState ControlPlan, CampaignPlanState TreatmentPlan)
{
    public ArmState(ArmCustomers customers) : this(customers, new CampaignPlanState(customers.Count), new CampaignPlanState(customers.Count)) { }

    public CampaignPlanState Plan(Arm policy) => policy == Arm.Control ? ControlPlan : TreatmentPlan;
}

/// <summary>
/// Selects a wave (design/campaign.md, step 4): x·N customers by hash among the unflagged whom neither policy has reached, the
/// same under both; then each policy walks down its ranking, exports unflagged customers until N is full, and holds back
/// the flagged ones it passes. N is the same for both arms and both policies.
/// </summary>
public static class WaveSelector
{
    /// <summary>
    /// Plans the wave and records it in the four plan states. Waves are planned in order, each once.
    /// Throws <see cref="InputException"/> for N below 1, x outside [0, 1] or a wave that is already in a plan.
    /// </summary>
    public static WavePlan PlanWave(ArmState control, ArmState treatment, int wave, int impressions, double explorationShare)
    {
        if (impressions < 1)
            throw new InputException($"{impressions} impressions a wave are not possible; give at least 1.");
        if (!(explorationShare >= 0 && explorationShare <= 1))
            throw new InputException($"An exploration share of {explorationShare} is outside 0 to 1; 0.05 is the usual choice.");
        ArmState[] arms = [control, treatment];
        foreach (ArmState arm in arms)
            RefuseRepeated(arm, wave);
        int[][] pools = arms.Select(UntouchedByBoth).ToArray();
        int explored = Math.Min((int)Math.Round(impressions * explorationShare), pools.Min(pool => pool.Length));
        int filled = Math.Min(impressions, arms.Min(arm => Math.Min(Free(arm, Arm.Control), Free(arm, Arm.Treatment))));
        explored = Math.Min(explored, filled);
        ArmWave first = Plan(control, Arm.Control, pools[0], wave, filled, explored);
        ArmWave second = Plan(treatment, Arm.Treatment, pools[1], wave, filled, explored);
        return new WavePlan(wave, impressions, filled, first, second);
    }

    private static ArmWave Plan(ArmState state, Arm arm, int[] pool, int wave, int impressions, int explored)
    {
        ReadOnlySpan<int> exploration = pool.AsSpan(0, explored);
        PolicyPlan control = Walk(state, Arm.Control, exploration, wave, impressions);
        PolicyPlan treatment = Walk(state, Arm.Treatment, exploration, wave, impressions);
        HashSet<int> reached = control.Members.Where(member => member.Action != WaveAction.HeldBack).Select(member => member.Customer).ToHashSet();
        int both = treatment.Members.Count(member => member.Action != WaveAction.HeldBack && reached.Contains(member.Customer));
        return new ArmWave(arm, arm == Arm.Control ? control : treatment, arm == Arm.Control ? treatment : control, explored,
            explored == 0 ? null : (double)explored / pool.Length, impressions == 0 ? null : (double)both / impressions);
    }

    private static PolicyPlan Walk(ArmState state, Arm policy, ReadOnlySpan<int> exploration, int wave, int impressions)
    {
        CampaignPlanState plan = state.Plan(policy);
        ArmCustomers customers = state.Customers;
        var members = new List<WaveMember>(impressions + impressions / 4);
        foreach (int customer in exploration)
            Take(customer, WaveAction.Explored, null);
        int left = impressions - exploration.Length, rank = 0;
        double? cutOff = null;
        foreach (int customer in customers.Ranking(policy))
        {
            if (left == 0)
                break;
            if (!plan.IsFree(customer))
                continue;
            rank++;
            if (customers.Flagged[customer])
            {
                Take(customer, WaveAction.HeldBack, rank);
                continue;
            }
            Take(customer, WaveAction.Exported, rank);
            cutOff = customers.Scores[(int)policy][customer];
            left--;
        }
        return new PolicyPlan(policy, members, cutOff, impressions, members.Count - impressions);

        void Take(int customer, WaveAction action, int? position)
        {
            plan.Record(customer, action, wave);
            members.Add(new WaveMember(customer, action, position));
        }
    }

    private static int[] UntouchedByBoth(ArmState arm)
    {
        var pool = new List<int>();
        foreach (int customer in arm.Customers.ExplorationOrder)
            if (!arm.Customers.Flagged[customer] && arm.ControlPlan.IsFree(customer) && arm.TreatmentPlan.IsFree(customer))
                pool.Add(customer);
        return pool.ToArray();
    }

    private static int Free(ArmState arm, Arm policy)
    {
        int count = 0;
        for (int customer = 0; customer < arm.Customers.Count; customer++)
            if (!arm.Customers.Flagged[customer] && arm.Plan(policy).IsFree(customer))
                count++;
        return count;
    }

    private static void RefuseRepeated(ArmState arm, int wave)
    {
        foreach (CampaignPlanState plan in new[] { arm.ControlPlan, arm.TreatmentPlan })
        {
            if (plan.Count != arm.Customers.Count)
                throw new InputException($"A plan covers {plan.Count} customers and the arm has {arm.Customers.Count}; give the plan of the same eligible customers.");
            for (int customer = 0; customer < plan.Count; customer++)
                if (!plan.IsFree(customer) && plan[customer].Wave >= wave)
                    throw new InputException($"Wave {plan[customer].Wave} is already planned, so wave {wave} cannot be; plan waves in order, each once.");
        }
    }
}
