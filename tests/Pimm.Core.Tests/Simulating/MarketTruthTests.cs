using Pimm.Core.Simulating;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Simulating;

/// <summary>The table of spec/market.md, its figures computed there by another implementation on other random numbers.</summary>
public sealed class MarketTruthTests
{
    private const int Customers = 300_000;
    private static readonly MarketCustomer[] Population = MarketCustomer.DrawMany(7, 0, Customers);
    private static readonly MarketTruth[] Base = MarketTruth.OfMany(Population, new MarketParameters(), MarketEffects.Today);
    private static readonly MarketTruth[] Null = MarketTruth.OfMany(Population, new MarketParameters { Persuasion = 0 }, MarketEffects.Today);

    [Fact]
    public void The_funnel_has_the_documented_means()
    {
        double click = Base.Average(t => t.Click), conversion = Base.Average(t => t.Conversion), core = Base.Average(t => t.Core);
        click.ShouldBe(0.0605, 0.0006);
        (conversion / click).ShouldBe(0.134, 0.002);
        (core / conversion).ShouldBe(0.385, 0.005);
        core.ShouldBe(0.00312, 0.00006);
    }

    [Fact]
    public void Organic_demand_and_effect_have_the_documented_means_and_correlation()
    {
        double q = Base.Average(t => t.Organic), tau = Base.Average(t => t.Effect);
        q.ShouldBe(0.00816, 0.0001);
        tau.ShouldBe(0.00180, 0.00003);
        double covariance = Base.Average(t => (t.Organic - q) * (t.Effect - tau));
        double correlation = covariance / Math.Sqrt(Base.Average(t => (t.Organic - q) * (t.Organic - q)) * Base.Average(t => (t.Effect - tau) * (t.Effect - tau)));
        correlation.ShouldBe(0.23, 0.015);
        (Base.Sum(t => t.AttributedOrganic) / Base.Sum(t => t.Core)).ShouldBe(0.42, 0.01);
    }

    [Fact]
    public void The_ceilings_are_the_documented_ones()
    {
        Ceiling(t => t.Click).ShouldBe(0.739, 0.002);
        Ceiling(t => t.Conversion).ShouldBe(0.758, 0.003);
        Ceiling(t => t.Core).ShouldBe(0.797, 0.004);
    }

    [Fact]
    public void Without_persuasion_no_impression_has_an_effect()
    {
        Null.ShouldAllBe(t => t.Effect == 0);
        (Null.Average(t => t.Conversion) / Null.Average(t => t.Click)).ShouldBe(0.049, 0.001);
    }

    [Fact]
    public void Quadrature_agrees_with_drawn_interest()
    {
        MarketCustomer customer = Population[3];
        var stream = new RandomStream(2);
        double both = 0, clicks = 0;
        for (int i = 0; i < 400_000; i++)
        {
            MarketLogits logits = MarketLogits.Of(customer, MarketEffects.Today);
            double u = stream.NextNormal(), click = 1 / (1 + Math.Exp(3.25 - logits.Click - 0.7 * u));
            clicks += click;
            both += click / (1 + Math.Exp(4.6 - logits.Conversion - u)) / (1 + Math.Exp(0.5 - logits.Core));
        }
        (clicks / 400_000).ShouldBe(Base[3].Click, 0.01 * Base[3].Click);
        (both / 400_000).ShouldBe(Base[3].AttributedOrganic, 0.02 * Base[3].AttributedOrganic);
    }

    private static double Ceiling(Func<MarketTruth, double> of)
    {
        double[] probabilities = Base.Select(of).ToArray();
        return RankingMetrics.ExpectedAuc(probabilities, probabilities.Select(p => (float)p).ToArray())!.Value;
    }
}
