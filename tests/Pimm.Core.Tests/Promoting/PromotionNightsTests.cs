using Pimm.Core.Promoting;
using Pimm.Core.Simulating;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Promoting;

/// <summary>Sixty nights with models whose quality is known; `./pimm bench promotion` is the same at full size.</summary>
public sealed class PromotionNightsTests
{
    private const double Weak = MarketWorld.WeakModelNoise;

    private static readonly NoisyTruth Truth = new(20_000, 1);

    private static readonly PromotingOptions Options = new() { MinimumPositives = 20, PlannedRows = 10_000 };

    private static readonly NightSettings Settings = new(Impressions: 3_000);

    private static readonly PromotionNights Play = new(Truth, Options, 1);

    [Fact]
    public void Of_two_equally_good_lines_hardly_one_run_calls_the_challenger_better() =>
        // 5 % of 60 runs are 3; the boundary is valid for ever and spends less within sixty nights.
        Play.Lines(Settings, Weak, Weak, 60).ReadyNights.Count.ShouldBeLessThanOrEqualTo(3);

    [Fact]
    public void A_truly_better_line_is_found_within_the_nights_its_data_allow()
    {
        var difference = Play.Difference(Weak, MarketWorld.GoodModelNoise, 50_000);

        var ran = Play.Lines(Settings, Weak, MarketWorld.GoodModelNoise, 60);

        ran.ShareBy(Play.PlannedNight(Settings, difference, 0.5)!.Value).ShouldBeGreaterThan(0.3);
        ran.ShareBy(Play.PlannedNight(Settings, difference, 0.9)!.Value).ShouldBeGreaterThan(0.7);
    }

    [Fact]
    public void On_the_incumbents_own_top_rows_an_equal_challenger_looks_better()
    {
        var (incumbent, challenger) = Play.AucOnTop(Weak, 0.1, 20_000);

        (challenger - incumbent).ShouldBeGreaterThan(0.02);
        Play.NaiveOnTop(Settings with { Impressions = 20_000 }, Weak, 0.1, 10).Share.ShouldBeGreaterThan(0.5);
    }

    [Fact]
    public void A_refresh_that_is_worse_by_the_margin_is_hardly_ever_promoted_and_one_as_good_is()
    {
        var few = Settings with { Nights = 26, Impressions = 20_000 };
        var worse = Truth.NoiseOfLoss(Weak, 1 + Options.Margin);

        Play.Refreshes(few, Weak, worse, 20).LossAlone.ShouldBeLessThanOrEqualTo(1);
        Play.Refreshes(few, Weak, Weak, 8).LossAlone.ShouldBeGreaterThanOrEqualTo(4);
    }

    [Fact]
    public void Rows_of_the_same_customers_pass_no_oftener_since_customers_are_taken_whole()
    {
        var oneNight = new PromotingOptions { MinimumPositives = 20, Nights = 1 };
        var play = new PromotionNights(Truth, oneNight, 1);
        var shared = new NightSettings(Nights: 15, Impressions: 60_000, RowsACustomer: 60);
        var worse = Truth.NoiseOfLoss(Weak, 1 + oneNight.Margin);

        var (whole, apart) = (play.Refreshes(shared, Weak, worse, 200), play.Refreshes(shared, Weak, worse, 200, apart: true));

        TestContext.Current.TestOutputHelper?.WriteLine($"{whole.LossAlone} and {apart.LossAlone} of {whole.Repetitions}");
        whole.LossShare.ShouldBeLessThanOrEqualTo(oneNight.Alpha);
        apart.LossShare.ShouldBeGreaterThan(1.5 * oneNight.Alpha);
    }
}
