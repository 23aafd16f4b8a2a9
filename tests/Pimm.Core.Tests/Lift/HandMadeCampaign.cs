using Pimm.Core.Allocating;
using Pimm.Core.Lift;

namespace Pimm.Core.Tests.Lift;

/// <summary>Campaigns small enough to count by hand: the first customers of each arm are exported in wave 1, the next held back, the rest left alone.</summary>
internal static class HandMadeCampaign
{
    public static readonly DateTimeOffset Start = new(2026, 5, 4, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Closed, one wave, the same plan under both policies but for one customer in two of the exported.</summary>
    /// <param name="convertedOnDay">by arm and place: day since the start of the first conversion; null: none</param>
    /// <param name="amount">by arm and place, of those who converted</param>
    public static LiftInput Of(
        int eligible, int exported, int held, Func<Arm, int, double?> convertedOnDay, Func<Arm, int, double?>? amount = null, int days = 40)
    {
        var customers = new List<LiftCustomer>();
        foreach (Arm arm in new[] { Arm.Control, Arm.Treatment })
            for (int i = 0; i < eligible; i++)
            {
                PlannedAction own = i < exported ? new(WaveAction.Exported, 0) : i < exported + held ? new(WaveAction.HeldBack, 0) : default;
                PlannedAction other = i < exported && i % 2 == 0 ? default : own;
                double? day = convertedOnDay(arm, i);
                customers.Add(new LiftCustomer(arm, 0.01 * (i % 7), 0.02 * (i % 5), day is { } d ? Start.AddDays(d) : null, own, own.Action == WaveAction.Exported,
                    arm == Arm.Control ? own : other, arm == Arm.Control ? other : own, day is null ? null : amount?.Invoke(arm, i)));
            }
        return new LiftInput
        {
            Campaign = "By hand", AsOf = Start.AddDays(days), CampaignStart = Start, Window = TimeSpan.FromDays(30), Customers = customers,
            Waves = [new LiftWave(new DateOnly(2026, 5, 4), Start, exported, exported)], PlannedConversions = 100, OutcomesReceived = Start.AddDays(days),
        };
    }
}
