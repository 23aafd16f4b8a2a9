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
/// the flagged ones it passes. N is the same for both arms and both policies. Nothing is sorted but what the wave takes: two passes
/// over the customers, in as many parts as there are processors.
/// </summary>
public static class WaveSelector
{
    /// <summary>
    /// Plans the wave and records it in the four plan states. Waves are planned in order, each once.
    /// Throws <see cref="InputException"/> for N below 1, x outside [0, 1] or a wave that is already in a plan.
    /// </summary>
    /// <param name="threads">null: one a processor; the result is the same at any number</param>
    public static WavePlan PlanWave(ArmState control, ArmState treatment, int wave, int impressions, double explorationShare, int? threads = null)
    {
        if (impressions < 1)
            throw new InputException($"{impressions} impressions a wave are not possible; give at least 1.");
        if (!(explorationShare >= 0 && explorationShare <= 1))
            throw new InputException($"An exploration share of {explorationShare} is outside 0 to 1; 0.05 is the usual choice.");
        int wished = (int)Math.Round(impressions * explorationShare), parts = threads ?? Environment.ProcessorCount;
        WavePool[] pools = [WavePool.Of(control, wave, wished, parts), WavePool.Of(treatment, wave, wished, parts)];
        int filled = Math.Min(impressions, pools.Min(pool => Math.Min(pool.FreeOfControl, pool.FreeOfTreatment)));
        int explored = Math.Min(Math.Min(wished, pools.Min(pool => pool.Untouched)), filled);
        ArmWave first = Plan(control, Arm.Control, pools[0], wave, filled, explored, parts);
        ArmWave second = Plan(treatment, Arm.Treatment, pools[1], wave, filled, explored, parts);
        return new WavePlan(wave, impressions, filled, first, second);
    }

    private static ArmWave Plan(ArmState state, Arm arm, WavePool pool, int wave, int impressions, int explored, int parts)
    {
        ReadOnlySpan<OrderKey> exploration = pool.Exploration.AsSpan(0, explored);
        foreach (OrderKey key in exploration)
        {
            state.ControlPlan.Record(key.Customer, WaveAction.Explored, wave);
            state.TreatmentPlan.Record(key.Customer, WaveAction.Explored, wave);
        }
        PolicyPlan control = Walk(state, Arm.Control, exploration, wave, impressions, parts);
        PolicyPlan treatment = Walk(state, Arm.Treatment, exploration, wave, impressions, parts);
        int both = treatment.Members.Count(member => member.Action != WaveAction.HeldBack
            && state.ControlPlan[member.Customer] is var other && other.Wave == wave && other.Action is WaveAction.Exported or WaveAction.Explored);
        return new ArmWave(arm, arm == Arm.Control ? control : treatment, arm == Arm.Control ? treatment : control, explored,
            explored == 0 ? null : (double)explored / pool.Untouched, impressions == 0 ? null : (double)both / impressions);
    }

    private static PolicyPlan Walk(ArmState state, Arm policy, ReadOnlySpan<OrderKey> exploration, int wave, int impressions, int parts)
    {
        CampaignPlanState plan = state.Plan(policy);
        OrderKey[] ranked = Ranked(state.Customers, plan, policy, impressions - exploration.Length, parts);
        var members = new List<WaveMember>(exploration.Length + ranked.Length);
        foreach (OrderKey key in exploration)
            members.Add(new WaveMember(key.Customer, WaveAction.Explored, null));
        double? cutOff = null;
        for (int i = 0; i < ranked.Length; i++)
        {
            bool flagged = state.Customers.Flagged[ranked[i].Customer];
            WaveAction action = flagged ? WaveAction.HeldBack : WaveAction.Exported;
            plan.Record(ranked[i].Customer, action, wave);
            members.Add(new WaveMember(ranked[i].Customer, action, i + 1));
            cutOff = flagged ? cutOff : ranked[i].Score;
        }
        return new PolicyPlan(policy, members, cutOff, impressions, members.Count - impressions);
    }

    /// <summary>The first so many unflagged customers of a policy's ranking who are still free, and the flagged ones before the last.</summary>
    private static OrderKey[] Ranked(ArmCustomers customers, CampaignPlanState plan, Arm policy, int wanted, int parts) =>
        WavePool.InParts(customers, wanted, parts, (from, to, front) =>
        {
            ReadOnlySpan<float> scores = customers.Scores[(int)policy];
            for (int customer = from; customer < to; customer++)
                if (scores[customer] >= front.Threshold && plan.IsFree(customer))
                    front.Offer(new OrderKey(scores[customer], customers.TieHash(customer), customer), customers.Flagged[customer]);
        }).InOrder();
}
