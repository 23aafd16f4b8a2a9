using Pimm.Core.Lift;
using Pimm.Core.Simulating;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Lift;

public sealed class SimulatedCampaignsTests
{
    /// <summary>Split, five waves, exploration, hold-back, late and missing deliveries, all clocks: nothing on the way may bend a number.</summary>
    [Theory]
    [InlineData(LiftKeys.Extra)]
    [InlineData(LiftKeys.Disagreement)]
    [InlineData(LiftKeys.IncrementControl)]
    [InlineData(LiftKeys.IncrementTreatment)]
    [InlineData(LiftKeys.EligibleLift)]
    [InlineData(LiftKeys.DeliveredLift)]
    public void Over_many_campaigns_a_number_is_centred_on_its_truth_and_covers_it(string key)
    {
        LiftTruthRow[] rows = Reports.Value.Select(report => report.Truth!.Single(row => row.Key == key)).ToArray();
        Moments errors = rows.Aggregate(default(Moments), (m, row) => m.Plus(row.Estimate!.Value - row.Truth!.Value));
        double chance = Math.Sqrt(errors.Variance!.Value / rows.Length);
        TestContext.Current.TestOutputHelper?.WriteLine($"{key}: mean error {errors.Mean:0.000} ± {chance:0.000}, covered {rows.Count(row => row.Covered == true)} of {rows.Length}");
        errors.Mean!.Value.ShouldBe(0, 4 * chance);
        rows.Count(row => row.Covered == true).ShouldBeGreaterThanOrEqualTo((int)(0.85 * rows.Length));
    }

    /// <summary>A check that alarms by chance would turn good campaigns off.</summary>
    [Fact]
    public void No_health_check_alarms_in_a_campaign_that_went_as_planned() =>
        Reports.Value.SelectMany(report => report.Checks).Where(check => check.Alarm).Select(check => check.Sentence).ShouldBeEmpty();

    private static readonly Lazy<LiftReport[]> Reports = new(() =>
    {
        var options = new SimulatedCampaignOptions { Eligible = 20_000, Impressions = 400, DeliveryShare = 0.8 };
        return Enumerable.Range(100, 50).Select(seed => LiftReporter.Report(SimulatedCampaign.Run(MarketWorld.KnownLift, (ulong)seed, options))).ToArray();
    });
}
