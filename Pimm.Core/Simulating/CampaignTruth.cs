using Pimm.Core.Allocating;
using Pimm.Core.Lift;

namespace Pimm.Core.Simulating;

/// <summary>What a simulated campaign's numbers would be without chance.</summary>
public static class CampaignTruth
{
    /// <summary>
    /// From the customers' true q and τ (one each, in order) and both policies' plans over all eligible customers:
    /// extra = 1000·(mean τ over whom the treatment's policy exports − the same of the control's), over both arms; increments over each arm's
    /// own exports by rank; delivered lift over all its exports, an organic conversion before the own wave not counting.
    /// DeliveryShare: chance that an exported impression is shown; the effect needs it.
    /// </summary>
    public static LiftTruth Of(LiftInput input, IReadOnlyList<MarketTruth> truths, double deliveryShare = 1)
    {
        var policies = new[] { new Sums(), new Sums() };
        var arms = new[] { new Sums(), new Sums() };
        double organic = 0;
        for (int i = 0; i < truths.Count; i++)
        {
            LiftCustomer customer = input.Customers[i];
            MarketTruth truth = truths[i];
            organic += truth.Organic;
            policies[0].Add(customer.ControlPlan, truth, 1);
            policies[1].Add(customer.TreatmentPlan, truth, 1);
            arms[(int)customer.Arm].Add(customer.Actual, truth, StillToCome(input, customer.Actual));
        }
        double extra = deliveryShare * (policies[1].Mean - policies[0].Mean);
        double control = organic + deliveryShare * policies[0].Effects, treatment = organic + deliveryShare * policies[1].Effects;
        return new LiftTruth(
            ExtraPerThousand: Finite(1000 * extra),
            IncrementControl: Finite(1000 * arms[0].RankedMean),
            IncrementTreatment: Finite(1000 * arms[1].RankedMean),
            EligibleLift: Finite(treatment / control - 1),
            DeliveredLift: Finite(arms[1].Rate(deliveryShare) / arms[0].Rate(deliveryShare) - 1));
    }

    /// <summary>The share of organic conversions, even in [start, start + window), that falls after the wave.</summary>
    private static double StillToCome(LiftInput input, PlannedAction action) => action.Action == WaveAction.None ? 1
        : Math.Clamp(1 - (input.Waves[action.Wave].Start - input.CampaignStart) / input.Window, 0, 1);

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private sealed class Sums
    {
        private long _exported;
        private long _ranked;
        private double _rankedEffects;
        private double _organic;

        public double Effects { get; private set; }

        public double Mean => Effects / _exported;

        public double RankedMean => _rankedEffects / _ranked;

        public double Rate(double deliveryShare) => (_organic + deliveryShare * Effects) / _exported;

        public void Add(PlannedAction action, in MarketTruth truth, double stillToCome)
        {
            if (action.Action is not (WaveAction.Exported or WaveAction.Explored))
                return;
            _exported++;
            Effects += truth.Effect;
            _organic += truth.Organic * stillToCome;
            if (action.Action == WaveAction.Exported)
            {
                _ranked++;
                _rankedEffects += truth.Effect;
            }
        }
    }
}
