namespace Pimm.Core.Allocating;

/// <summary>How many customers of an arm a wave can still reach, counted in one pass.</summary>
/// <param name="FreeOfControl">unflagged customers whom the control's policy has not reached</param>
/// <param name="Untouched">unflagged customers whom neither policy has reached</param>
/// <param name="Exploration">those of them who are drawn first, as many as were wished for or fewer</param>
internal sealed record WavePool(int FreeOfControl, int FreeOfTreatment, int Untouched, OrderKey[] Exploration)
{
    /// <exception cref="InputException">a plan is of other customers, or has the wave or a later one</exception>
    public static WavePool Of(ArmState arm, int wave, int explored, int parts)
    {
        var (customers, free) = (arm.Customers, new int[3]);
        foreach (CampaignPlanState plan in new[] { arm.ControlPlan, arm.TreatmentPlan })
            if (plan.Count != customers.Count)
                throw new InputException($"A plan covers {plan.Count} customers and the arm has {customers.Count}; give the plan of the same eligible customers.");
        int newest = -1;
        var gate = new Lock();
        OrderKey[] exploration = InParts(customers, explored, parts, (from, to, front) =>
        {
            int ofControl = 0, ofTreatment = 0, untouched = 0, last = -1;
            for (int customer = from; customer < to; customer++)
            {
                bool control = arm.ControlPlan.IsFree(customer), treatment = arm.TreatmentPlan.IsFree(customer);
                if (!control || !treatment)
                    last = Math.Max(last, Math.Max(control ? -1 : arm.ControlPlan[customer].Wave, treatment ? -1 : arm.TreatmentPlan[customer].Wave));
                if (customers.Flagged[customer])
                    continue;
                ofControl += control ? 1 : 0;
                ofTreatment += treatment ? 1 : 0;
                if (!control || !treatment)
                    continue;
                untouched++;
                if (explored > 0)
                    front.Offer(new OrderKey(0, customers.ExplorationHash(customer), customer), flagged: false);
            }
            lock (gate)
                (free[0], free[1], free[2], newest) = (free[0] + ofControl, free[1] + ofTreatment, free[2] + untouched, Math.Max(newest, last));
        }).InOrder();
        return newest < wave ? new WavePool(free[0], free[1], free[2], exploration)
            : throw new InputException($"Wave {newest} is already planned, so wave {wave} cannot be; plan waves in order, each once.");
    }

    /// <summary>Offers an arm's customers, a range of them to each of several processors.</summary>
    public static FrontRunners InParts(ArmCustomers customers, int wanted, int parts, Action<int, int, FrontRunners> offer)
    {
        var found = new FrontRunners[parts];
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, part =>
        {
            found[part] = new FrontRunners(wanted, customers.Customers);
            offer((int)((long)customers.Count * part / parts), (int)((long)customers.Count * (part + 1) / parts), found[part]);
        });
        foreach (FrontRunners part in found.AsSpan(1))
            found[0].Add(part);
        return found[0];
    }
}
