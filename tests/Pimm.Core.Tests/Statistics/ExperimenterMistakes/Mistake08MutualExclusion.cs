using System.Text.Json;
using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Mistake 8: campaigns that should not share customers do, because each hashes them its own way.</summary>
public sealed class Mistake08MutualExclusion
{
    private static readonly Campaign Cards = new(
        1, "Cards", 3, 1, 2, "Asia/Shanghai", new DateOnly(2026, 3, 2), 5, 30, 100, 0.1, 0.05, "best-of", 100, "cards", "me", DateTimeOffset.UnixEpoch,
        Layer: "offers", LayerFrom: 0, LayerTo: 2_500);

    private static readonly Campaign Loans = Cards with { Id = 2, Name = "Loans", Salt = "loans", LayerFrom = 2_500, LayerTo = 10_000 };

    private static readonly Guid[] Customers = Enumerable.Range(0, 100_000).Select(i => CustomerHash.Of($"customer-{i}")).ToArray();

    [Fact]
    public void Ranges_of_one_layer_share_nobody_and_together_miss_nobody()
    {
        HashSet<Guid> cards = Eligible(Cards), loans = Eligible(Loans);
        cards.Overlaps(loans).ShouldBeFalse();
        (cards.Count + loans.Count).ShouldBe(Customers.Length);
        cards.Count.ShouldBeInRange(24_400, 25_600);
        // The mistake itself: other layers, other hashes.
        Eligible(Loans with { Layer = "loans" }).Overlaps(cards).ShouldBeTrue();
        Eligible(Loans with { AudienceId = 4 }).Overlaps(cards).ShouldBeTrue();
    }

    [Fact]
    public void Traffic_is_taken_before_the_layer_and_every_step_is_counted()
    {
        Guid[] reached = Customers[..1_000];
        Campaign campaign = Cards with { TrafficShare = 0.5, ContactLimit = 1, ContactDays = 7 };
        var funnel = new EligibilityFunnel(EligibilityFunnel.StepsOf(campaign, reached.ToDictionary(customer => customer, _ => "contact limit")));
        long eligible = Customers.Count(funnel.Admits);
        var steps = JsonDocument.Parse(funnel.ToJson()).RootElement.EnumerateArray().Select(s => (s.GetProperty("step").GetString(), s.GetProperty("customers").GetInt64())).ToList();
        steps.Select(s => s.Item1).ShouldBe(["audience", "traffic", "layer", "consented", "not suppressed", "contact limit", "eligible"]);
        steps[0].Item2.ShouldBe(100_000);
        steps[1].Item2.ShouldBeInRange(49_300, 50_700);
        steps[2].Item2.ShouldBeInRange(12_000, 13_000);
        (steps[4].Item2 - steps[5].Item2).ShouldBeInRange(60, 190);
        steps[6].Item2.ShouldBe(eligible);
    }

    [Theory]
    [InlineData(null, 0, 10, "A range without a layer")]
    [InlineData("offers", null, 10, "has no range")]
    [InlineData("offers", 10, 10, "choose 0 <= from < to <= 10000")]
    [InlineData("offers", 0, 10_001, "choose 0 <= from < to <= 10000")]
    [InlineData("offers", -1, 10, "choose 0 <= from < to <= 10000")]
    [InlineData(" offers", 0, 10, "no spaces around")]
    public void A_range_that_cannot_be_is_refused(string? layer, int? from, int? to, string sentence) =>
        Should.Throw<InputException>(() => (Cards with { Layer = layer, LayerFrom = from, LayerTo = to }).Validated()).Message.ShouldContain(sentence);

    private static HashSet<Guid> Eligible(Campaign campaign) =>
        Customers.Where(new EligibilityFunnel(EligibilityFunnel.StepsOf(campaign, new Dictionary<Guid, string>())).Admits).ToHashSet();
}
