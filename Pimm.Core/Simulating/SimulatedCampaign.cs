using Pimm.Core.Allocating;
using Pimm.Core.Lift;
using Pimm.Core.Statistics;

namespace Pimm.Core.Simulating;

/// <summary>Size of a simulated campaign; impressions are for each wave and arm.</summary>
public sealed record SimulatedCampaignOptions
{
    /// <summary>Customers of both arms; default 200,000.</summary>
    public int Eligible { get; init; } = 200_000;

    /// <summary>Default 5, a day apart.</summary>
    public int Waves { get; init; } = 5;

    /// <summary>N a wave and arm; default 2,000.</summary>
    public int Impressions { get; init; } = 2_000;

    /// <summary>h, 0 to below 1; default 0.1.</summary>
    public double HoldBackShare { get; init; } = 0.1;

    /// <summary>x, 0 to 1; default 0.05.</summary>
    public double ExplorationShare { get; init; } = 0.05;

    /// <summary>w; default 30 days.</summary>
    public int WindowDays { get; init; } = 30;

    /// <summary>Chance that an exported impression is shown; an impression that is not shown has no effect. Default 1.</summary>
    public double DeliveryShare { get; init; } = 1;
}

/// <summary>A whole campaign in memory in a market whose truth is known: eligible customers, split, waves under both oracle policies, outcomes.</summary>
public static class SimulatedCampaign
{
    private static readonly DateTimeOffset Start = new(2026, 3, 2, 6, 0, 0, TimeSpan.Zero);

    /// <summary>The input of its lift report, its window closed, with the truth beside it. The same seed gives the same campaign.</summary>
    public static LiftInput Run(MarketWorld world, ulong seed, SimulatedCampaignOptions? options = null)
    {
        options ??= new SimulatedCampaignOptions();
        MarketCustomer[] customers = MarketCustomer.DrawMany(seed, 0, options.Eligible);
        MarketTruth[] truths = MarketTruth.OfMany(customers, world.Parameters, MarketEffects.Today);
        double[] control = OracleScores.Of(world.Control, truths, seed), treatment = OracleScores.Of(world.Treatment, truths, seed);
        Guid[] keys = Enumerable.Range(0, options.Eligible).Select(i => CustomerHash.Of($"{seed}-{i}")).ToArray();
        SplitResult split = Splitter.BestOf(keys, [control], $"split-{seed}");
        var arms = new[] { Arm.Control, Arm.Treatment }
            .Select(arm => Enumerable.Range(0, keys.Length).Where(i => split.Arms[i] == arm).ToArray()).ToArray();
        var salts = new SelectionSalts($"hold-{seed}", $"explore-{seed}", $"tie-{seed}", options.HoldBackShare);
        ArmState[] states = arms.Select(members => new ArmState(new ArmCustomers(Pick(keys, members), Scores(control, members), Scores(treatment, members), salts))).ToArray();
        WavePlan[] plans = Enumerable.Range(0, options.Waves)
            .Select(w => WaveSelector.PlanWave(states[0], states[1], w, options.Impressions, options.ExplorationShare)).ToArray();
        LiftWave[] waves = plans.Select(plan => new LiftWave(
            DateOnly.FromDateTime(Start.UtcDateTime).AddDays(plan.Wave), Start.AddDays(plan.Wave), plan.Requested, plan.Impressions)).ToArray();
        var rows = new LiftCustomer[options.Eligible];
        for (int arm = 0; arm < 2; arm++)
            Outcomes(rows, arms[arm], (Arm)arm, states[arm], i => (customers[i], control[i], treatment[i]), waves, world, seed, options);
        TimeSpan window = TimeSpan.FromDays(options.WindowDays);
        var input = new LiftInput
        {
            Campaign = world.Name, AsOf = Start.AddDays(options.Waves) + window, CampaignStart = Start, Window = window, Waves = waves, Customers = rows,
            SplitMethod = split.Method, HasDeliveryReport = options.DeliveryShare < 1, Simulated = true,
            PlannedConversions = Math.Round(truths.Sum(t => t.Organic) + 2.0 * plans.Sum(p => p.Impressions) * truths.Average(t => t.Effect)),
        };
        return input with { Truth = CampaignTruth.Of(input, truths, options.DeliveryShare) };
    }

    private static void Outcomes(LiftCustomer[] rows, int[] members, Arm arm, ArmState state, Func<int, (MarketCustomer, double, double)> of,
        LiftWave[] waves, MarketWorld world, ulong seed, SimulatedCampaignOptions options)
    {
        TimeSpan window = TimeSpan.FromDays(options.WindowDays);
        CampaignPlanState own = state.Plan(arm);
        Parallel.For(0, members.Length, position =>
        {
            int index = members[position];
            (MarketCustomer customer, double control, double treatment) = of(index);
            PotentialOutcomes outcomes = MarketOutcomes.Draw(customer, world.Parameters, MarketEffects.Today, seed, index, options.WindowDays);
            PlannedAction action = own[position];
            bool exported = action.Action is WaveAction.Exported or WaveAction.Explored;
            bool delivered = exported && new RandomStream(RandomStream.Seed(seed, "delivery", index)).NextDouble() < options.DeliveryShare;
            DateTimeOffset? convertedAt = outcomes.ConvertedAt(Start, window, delivered ? waves[action.Wave].Start : null);
            rows[index] = new LiftCustomer(arm, control, treatment, convertedAt, action, delivered,
                state.ControlPlan[position], state.TreatmentPlan[position], convertedAt is null ? null : outcomes.Amount);
        });
    }

    private static T[] Pick<T>(T[] values, int[] members) => Array.ConvertAll(members, i => values[i]);

    // As precise as scores are stored.
    private static float[] Scores(double[] values, int[] members) => Array.ConvertAll(members, i => (float)values[i]);
}
