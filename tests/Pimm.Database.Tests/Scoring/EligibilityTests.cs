using System.Text.Json;
using Pimm.Core;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Scoring;

/// <summary>Who is left of the small campaign's audience for further campaigns. It exported 2 × 60 customers on each of three days.</summary>
public sealed class EligibilityTests(SmallCampaign world) : IClassFixture<SmallCampaign>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private CampaignStore Campaigns => world.Pimm.Service<CampaignStore>();

    [Fact]
    public async Task A_traffic_share_lets_its_share_in_and_the_scores_have_only_them()
    {
        var (steps, customers) = await ScoreAsync(world.Campaign with { Name = "half", Salt = "half", TrafficShare = 0.5 });

        steps.Select(s => s.Step).ShouldBe(["audience", "traffic", "layer", "consented", "not suppressed", "contact limit", "eligible"]);
        steps[0].Customers.ShouldBe(6_000);
        steps[1].Customers.ShouldBeInRange(2_850, 3_150);
        steps[^1].Customers.ShouldBe(customers.Count);
        var campaign = (await Campaigns.FindByNameAsync("half", Cancel))!;
        customers.Count(Splits(campaign)).ShouldBeInRange((customers.Count / 2) - 110, (customers.Count / 2) + 110);
    }

    [Fact]
    public async Task Campaigns_in_disjoint_ranges_of_a_layer_share_nobody()
    {
        var (_, first) = await ScoreAsync(world.Campaign with { Name = "offers 1", Salt = "offers 1", Layer = "offers", LayerFrom = 0, LayerTo = 5_000 });
        var (_, second) = await ScoreAsync(world.Campaign with { Name = "offers 2", Salt = "offers 2", Layer = "offers", LayerFrom = 5_000, LayerTo = 10_000 });

        first.Overlaps(second).ShouldBeFalse();
        (first.Count + second.Count).ShouldBe(6_000);
    }

    [Theory]
    [InlineData(1, 10, 5, 360)]  // ten days before the fifth day hold all three waves
    [InlineData(2, 10, 5, 0)]    // nobody was reached twice
    [InlineData(1, 3, 5, 120)]   // three days before hold the last wave
    [InlineData(1, 2, 5, 0)]
    [InlineData(1, 7, 0, 360)]   // at the same time: what is published already counts
    [InlineData(1, 7, -40, 0)]   // a campaign that was over before they began
    public async Task Customers_at_the_contact_limit_are_not_eligible(int limit, int days, int startsLater, int excluded)
    {
        var name = $"limit {limit} {days} {startsLater}";
        var (steps, customers) = await ScoreAsync(world.Campaign with
        {
            Name = name, Salt = name, StartsOn = world.Campaign.StartsOn.AddDays(startsLater), ContactLimit = limit, ContactDays = days,
        });

        (steps[4].Customers - steps[5].Customers).ShouldBe(excluded);
        if (excluded == 360)
        {
            var reached = (await world.Pimm.Service<AllocationStore>().PlansAsync(world.Campaign.Id, Cancel)).Where(p => p.Policy == p.Arm && p.Action == 1).Select(p => p.Customer);
            customers.Overlaps(reached).ShouldBeFalse();
        }
    }

    [Fact]
    public async Task A_filter_is_a_step_of_its_own_and_the_count_beforehand_is_what_the_scoring_finds()
    {
        var campaign = world.Campaign with
        {
            Name = "filtered", Salt = "filtered", Filter = FilterCondition.ToJson([new("age", FilterCondition.AtLeast, ["40"])]), TrafficShare = 0.7, ContactLimit = 1, ContactDays = 30,
            StartsOn = world.Campaign.StartsOn.AddDays(5),
        };

        var (steps, customers) = await ScoreAsync(campaign);
        var before = await world.Pimm.Service<EligibilityCounter>().CountAsync((await Campaigns.FindByNameAsync("filtered", Cancel))!, null, Cancel);

        steps.Select(s => s.Step).ShouldBe(["audience", "filter", "traffic", "layer", "consented", "not suppressed", "contact limit", "eligible"]);
        steps[1].Customers.ShouldBeInRange(500, 5_500);
        steps.Zip(steps.Skip(1)).Count(pair => pair.First.Customers > pair.Second.Customers).ShouldBe(3);
        before.Steps.Select(step => (step.Step, step.Customers)).ShouldBe(steps);
        customers.Count.ShouldBe((int)before.Eligible);
    }

    [Fact]
    public async Task A_campaign_that_lets_nobody_in_is_refused()
    {
        var id = await Campaigns.CreateAsync(world.Campaign with { Name = "nobody", Salt = "nobody", TrafficShare = 1e-9 }, Cancel);

        var run = await world.Pimm.RunAsync(new JobRequest(ScoreCampaign.JobKind, "nobody", new { }, id), Cancel);

        run.Error!.ShouldStartWith("No customer is left for campaign \"nobody\"");
    }

    [Fact]
    public async Task Of_twenty_who_take_the_same_range_at_once_one_gets_it()
    {
        var ended = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            try
            {
                return await Campaigns.CreateAsync(world.Campaign with { Name = $"race {i}", Salt = $"race {i}", Layer = "race", LayerFrom = 100 * i, LayerTo = 5_000 }, Cancel);
            }
            catch (InputException refused)
            {
                refused.Message.ShouldContain("overlaps");
                return 0;
            }
        }));

        ended.Count(id => id > 0).ShouldBe(1);
    }

    [Fact]
    public async Task An_overlapping_range_is_refused_while_the_other_campaign_is_open_and_only_then()
    {
        var first = world.Campaign with { Name = "cards", Salt = "cards", Layer = "cards", LayerFrom = 1_000, LayerTo = 4_000 };
        await Campaigns.CreateAsync(first, Cancel);
        var closes = first.StartsOn.AddDays(first.Days - 1 + first.WindowDays);

        (await Should.ThrowAsync<InputException>(() => Campaigns.CreateAsync(first with { Name = "loans", Salt = "loans", StartsOn = closes.AddDays(-1), LayerFrom = 3_999, LayerTo = 5_000 }, Cancel)))
            .Message.ShouldBe($"Campaign \"cards\" has 1000 to 4000 of the layer \"cards\" until {first.ClosesAt:yyyy-MM-dd HH:mm} UTC, which overlaps 3999 to 5000: choose a free range, another layer, or days after that.");
        await Campaigns.CreateAsync(first with { Name = "beside", Salt = "beside", LayerFrom = 4_000, LayerTo = 5_000 }, Cancel);
        await Campaigns.CreateAsync(first with { Name = "later", Salt = "later", StartsOn = closes }, Cancel);
        await Campaigns.CreateAsync(first with { Name = "other layer", Salt = "other layer", Layer = "loans" }, Cancel);
    }

    [Fact]
    public async Task A_salt_or_a_name_is_never_used_twice()
    {
        (await Should.ThrowAsync<InputException>(() => Campaigns.CreateAsync(world.Campaign with { Name = "same salt" }, Cancel)))
            .Message.ShouldBe($"The salt \"{world.Campaign.Salt}\" was used by a campaign before: choose a new one, or the new arms carry over what the old ones saw.");
        (await Should.ThrowAsync<InputException>(() => Campaigns.CreateAsync(world.Campaign with { Salt = "same name" }, Cancel)))
            .Message.ShouldBe($"There is a campaign named \"{world.Campaign.Name}\" already: choose another name.");
    }

    [Fact]
    public async Task A_campaign_is_read_as_it_was_made()
    {
        var made = world.Campaign with
        {
            Name = "all fields", Salt = "all fields", SplitCovariates = ["age", "risk"], TrafficShare = 0.25, Layer = "all", LayerFrom = 0, LayerTo = 10_000,
            ContactLimit = 3, ContactDays = 30, CopyOf = world.Campaign.Id,
        };

        var read = await Campaigns.GetAsync(await Campaigns.CreateAsync(made, Cancel), Cancel);

        read.Covariates.ShouldBe(["age", "risk"]);
        read.Segments.ShouldBe(made.Segments);
        read.GuardrailList().ShouldBe(made.GuardrailList());
        (read with { Id = made.Id, SplitCovariates = made.SplitCovariates, Segments = made.Segments, Guardrails = made.Guardrails }).ShouldBe(made);
    }

    private sealed record Remaining(string Step, long Customers);

    private async Task<(IReadOnlyList<(string Step, long Customers)> Steps, HashSet<Guid> Customers)> ScoreAsync(Campaign campaign)
    {
        var id = await Campaigns.CreateAsync(campaign, Cancel);
        var run = await world.Pimm.RunAsync(new JobRequest(ScoreCampaign.JobKind, campaign.Name, new { }, id), Cancel);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        var scoring = (await world.Pimm.Service<ScoringStore>().NewestAsync(id, Cancel))!;
        var steps = JsonSerializer.Deserialize<Remaining[]>(scoring.Exclusions, JsonSerializerOptions.Web)!;
        var scores = await world.Pimm.Service<ScoringStore>().ScoresAsync(scoring.Id, Cancel);
        return ([.. steps.Select(s => (s.Step, s.Customers))], scores.Select(s => s.Customer).ToHashSet());
    }

    private static Func<Guid, bool> Splits(Campaign campaign)
    {
        var salt = Core.Statistics.SaltKey.From(campaign.SaltFor("split"));
        return customer => Splitter.ArmOf(customer, salt) == Arm.Treatment;
    }
}
