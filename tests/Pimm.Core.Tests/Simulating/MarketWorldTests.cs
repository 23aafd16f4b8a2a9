using Pimm.Core.Lift;
using Pimm.Core.Simulating;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Simulating;

public sealed class MarketWorldTests
{
    private static readonly MarketCustomer[] Population = MarketCustomer.DrawMany(7, 0, 200_000);

    /// <summary>
    /// Delivered lift and both increments of N = 10,000 of 100,000 under each oracle policy: spec/market.md, "Three demo worlds".
    /// A tenth is held back, so N is reached after a ninth of the ranking.
    /// </summary>
    [Theory]
    [InlineData("null", 0.09, 0.15, 0, 0)]
    [InlineData("base", 0.12, 0.15, 5.3, 6.2)]
    [InlineData("harvest", -0.22, -0.18, 5.3, 7.4)]
    [InlineData("knownLift", 1.8, 2.1, 7.5, 25.8)]
    public void A_world_has_its_documented_lift_and_increments(string name, double least, double most, double control, double treatment)
    {
        MarketWorld world = MarketWorld.Named(name);
        MarketTruth[] truths = MarketTruth.OfMany(Population, world.Parameters, MarketEffects.Today);
        (double Rate, double Increment) Top(OraclePolicy policy)
        {
            double[] scores = OracleScores.Of(policy, truths, 5);
            MarketTruth[] top = Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(scores.Length / 9).Select(i => truths[i]).ToArray();
            return (top.Average(t => t.Organic + t.Effect), 1000 * top.Average(t => t.Effect));
        }
        (double Rate, double Increment) c = Top(world.Control), t = Top(world.Treatment);
        (t.Rate / c.Rate - 1).ShouldBeInRange(least, most);
        c.Increment.ShouldBe(control, 0.03 * control + 1e-12);
        t.Increment.ShouldBe(treatment, 0.03 * treatment + 1e-12);
    }

    [Fact]
    public void An_unknown_world_is_refused_with_the_names_there_are() =>
        Should.Throw<InputException>(() => MarketWorld.Named("boom")).Message.ShouldContain("null, base, harvest, knownLift");

    [Fact]
    public void A_simulated_campaign_is_the_same_for_a_seed_and_carries_its_truth()
    {
        var small = new SimulatedCampaignOptions { Eligible = 4000, Impressions = 100, Waves = 2 };
        LiftInput first = SimulatedCampaign.Run(MarketWorld.Harvest, 5, small), again = SimulatedCampaign.Run(MarketWorld.Harvest, 5, small);
        again.Customers.ShouldBe(first.Customers);
        first.Truth!.IncrementTreatment!.Value.ShouldBeGreaterThan(first.Truth.IncrementControl!.Value);
        SimulatedCampaign.Run(MarketWorld.Null, 5, small).Truth!.ExtraPerThousand.ShouldBe(0);
    }
}
