using Pimm.Core.Simulating;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Simulating;

public sealed class MarketOutcomesTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Window = TimeSpan.FromDays(30);
    private static readonly MarketCustomer[] Population = MarketCustomer.DrawMany(11, 0, 200_000);

    private static PotentialOutcomes[] Draw(MarketParameters parameters) =>
        Population.Select((customer, i) => MarketOutcomes.Draw(customer, parameters, MarketEffects.Today, 3, i)).ToArray();

    [Fact]
    public void Drawn_outcomes_have_the_true_frequencies()
    {
        MarketTruth[] truths = MarketTruth.OfMany(Population, new MarketParameters(), MarketEffects.Today);
        PotentialOutcomes[] outcomes = Draw(new MarketParameters());
        ShouldAgree(outcomes.Count(o => o.Click), truths.Sum(t => t.Click));
        ShouldAgree(outcomes.Count(o => o.AttributedConversion), truths.Sum(t => t.Conversion));
        ShouldAgree(outcomes.Count(o => o.AttributedCore), truths.Sum(t => t.Core));
        ShouldAgree(outcomes.Count(o => o.WithoutImpression), truths.Sum(t => t.Organic));
        ShouldAgree(outcomes.Count(o => o.WithImpression), truths.Sum(t => t.Organic + t.Effect));

        static void ShouldAgree(double count, double expected) => count.ShouldBe(expected, 4 * Math.Sqrt(expected));
    }

    [Fact]
    public void The_same_customer_meets_the_same_chances_whatever_the_market_does()
    {
        PotentialOutcomes[] without = Draw(new MarketParameters { Persuasion = 0 }), with = Draw(new MarketParameters());
        for (int i = 0; i < with.Length; i++)
        {
            (with[i] with { Persuaded = false }).ShouldBe(without[i]);
            (with[i].WithImpression || !with[i].WithoutImpression).ShouldBeTrue();
        }
    }

    [Fact]
    public void Conversions_fall_into_the_windows_that_count_them()
    {
        DateTimeOffset shown = Start.AddDays(4);
        foreach (PotentialOutcomes outcome in Draw(new MarketParameters { Persuaded = 1 }))
        {
            (outcome.ConvertedAt(Start, Window, null) is not null).ShouldBe(outcome.WithoutImpression);
            (outcome.ConvertedAt(Start, Window, shown) is not null).ShouldBe(outcome.WithImpression);
            if (outcome.ConvertedAt(Start, Window, shown) is { } time)
                time.ShouldBeInRange(Start, shown + Window);
            if (outcome.WithImpression && !outcome.WithoutImpression)
                outcome.ConvertedAt(Start, Window, shown)!.Value.ShouldBeGreaterThan(shown);
        }
    }

    [Fact]
    public void Delays_have_their_medians_and_amounts_exceed_a_thousand()
    {
        PotentialOutcomes[] outcomes = Draw(new MarketParameters());
        double Median(Func<PotentialOutcomes, double> of) => outcomes.Select(of).Order().ElementAt(outcomes.Length / 2);
        Median(o => o.ClickDelay).ShouldBe(2.0 / 24, 0.003);
        Median(o => o.ConversionDelay).ShouldBe(1, 0.05);
        Median(o => o.CoreDelay).ShouldBe(5, 0.35); // the window takes the longest away
        outcomes.ShouldAllBe(o => o.ClickDelay + o.ConversionDelay + o.CoreDelay < 30 && o.Amount >= 1000);
    }
}
