using Pimm.Core.Simulating;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Simulating;

public sealed class MarketHistoryTests
{
    private static readonly DateTimeOffset End = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);
    private static readonly MarketHistoryOptions Options = new() { Impressions = 60_000, Population = 40_000 };
    private static readonly IReadOnlyList<HistoryImpression> History = MarketHistory.Generate(new MarketParameters(), 9, End, Options);

    [Fact]
    public void History_is_in_order_of_time_and_the_same_for_a_seed()
    {
        History.Count.ShouldBe(60_000);
        History.Zip(History.Skip(1)).ShouldAllBe(pair => pair.First.Time <= pair.Second.Time);
        History[^1].Time.ShouldBeLessThan(End);
        MarketHistory.Generate(new MarketParameters(), 9, End, Options).ShouldBe(History);
    }

    [Fact]
    public void Labels_follow_the_order_of_the_funnel_in_time()
    {
        foreach (HistoryImpression row in History)
        {
            (row.Converted && !row.Clicked).ShouldBeFalse();
            (row.CoreConverted && !row.Converted).ShouldBeFalse();
            if (row.ConvertedAt is { } converted)
                converted.ShouldBeGreaterThan(row.ClickedAt!.Value);
            if (row.CoreConvertedAt is { } core)
                core.ShouldBeInRange(row.ConvertedAt!.Value, row.Time.AddDays(30));
            (row.Amount is not null).ShouldBe(row.CoreConverted);
        }
    }

    [Fact]
    public void Half_of_it_is_random_and_the_chosen_half_converts_more()
    {
        HistoryImpression[] later = History.Where(row => row.Month > 0).ToArray();
        ((double)later.Count(row => row.ChosenAtRandom) / later.Length).ShouldBe(0.5, 0.001);
        double Rate(bool random) => later.Where(row => row.ChosenAtRandom == random).Average(row => row.CoreConverted ? 1.0 : 0);
        Rate(random: true).ShouldBe(0.00312, 4 * Math.Sqrt(0.00312 / 27_500));
        Rate(random: false).ShouldBeGreaterThan(1.5 * Rate(random: true));
        later.GroupBy(row => (row.Month, row.CustomerIndex)).ShouldAllBe(group => group.Count() == 1);
    }

    [Fact]
    public void Funds_drift_month_by_month_into_the_campaigns_effects()
    {
        MarketEffects year = MarketEffects.MonthsAgo(12, 9), month = MarketEffects.MonthsAgo(1, 9);
        int Different(MarketEffects a, MarketEffects b) => Enumerable.Range(0, MarketEffects.Funds).Count(f => a.Fund[f][0] != b.Fund[f][0]);
        Different(month, MarketEffects.Today).ShouldBeInRange(20, 62);
        Different(year, MarketEffects.Today).ShouldBeInRange(370, 495); // 1 − .98^12 = 21.5 %
        Enumerable.Range(0, MarketEffects.Funds).ShouldAllBe(f => year.Fund[f][1] == MarketEffects.Today.Fund[f][1]);
        MarketEffects.MonthsAgo(0, 9).Fund[5].ShouldBe(MarketEffects.Today.Fund[5]);
    }

    [Fact]
    public void An_additive_model_ranks_far_better_than_chance_and_below_the_ceiling()
    {
        var model = AdditiveModel.Fit(History.Select(row => row.Customer).ToArray(), History.Select(row => row.CoreConverted).ToArray());
        MarketCustomer[] fresh = MarketCustomer.DrawMany(123, 0, 60_000);
        MarketTruth[] truths = MarketTruth.OfMany(fresh, new MarketParameters(), MarketEffects.Today);
        double auc = RankingMetrics.ExpectedAuc(truths.Select(t => t.Core).ToArray(), fresh.Select(c => (float)model.Score(c)).ToArray())!.Value;
        auc.ShouldBeInRange(0.70, 0.797);
        AdditiveModel.Fit([], []).Score(fresh[0]).ShouldBe(0);
    }

    [Fact]
    public void Impossible_sizes_are_refused()
    {
        Should.Throw<InputException>(() => MarketHistory.Generate(new MarketParameters(), 1, End, Options with { Population = 5000 })).Message.ShouldContain("too small");
        Should.Throw<InputException>(() => MarketHistory.Generate(new MarketParameters(), 1, End, Options with { RandomShare = 2 }));
    }
}
