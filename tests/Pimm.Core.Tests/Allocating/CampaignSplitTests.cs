using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Allocating;

public sealed class CampaignSplitTests
{
    private static readonly Campaign Spring = new(
        1, "Spring", 1, 1, 2, "Asia/Shanghai", new DateOnly(2026, 3, 2), 5, 30, 100, 0.1, 0.05, "best-of", 100, "salt", "me", DateTimeOffset.UnixEpoch,
        SplitCovariates: [Campaign.ControlScore, Campaign.TreatmentScore, "age"]);

    private static readonly List<CustomerScore> Scores = Enumerable.Range(0, 20_000).Select(i => CustomerHash.Of($"customer-{i}")).Order()
        .Select(c => new CustomerScore(c, Share(c, 1), Share(c, 2))).ToList();

    private static readonly Dictionary<string, double[]> Attributes = new() { ["age"] = [.. Scores.Select(s => 20 + (50 * (double)Share(s.Customer, 3)))] };

    [Theory]
    [InlineData("best-of")]
    [InlineData("blocks")]
    [InlineData("plain")]
    public void The_split_is_the_same_at_one_two_and_seven_threads(string method)
    {
        var campaign = Spring with { SplitMethod = method };
        var one = CampaignSplit.Draw(campaign, 1, Scores, Attributes, threads: 1);
        foreach (int threads in new[] { 2, 7 })
        {
            var other = CampaignSplit.Draw(campaign, 1, Scores, Attributes, threads);
            other.Assignments.ShouldBe(one.Assignments);
            other.Allocation.Imbalances.ShouldBe(one.Allocation.Imbalances);
            other.Allocation.Balance.ShouldBe(one.Allocation.Balance);
        }
    }

    [Theory]
    [InlineData("best-of")]
    [InlineData("blocks")]
    [InlineData("plain")]
    public void The_winner_alone_gives_the_assignments_again(string method)
    {
        var campaign = Spring with { SplitMethod = method };
        var split = CampaignSplit.Draw(campaign, 1, Scores, Attributes);
        CampaignSplit.Redraw(campaign, split.Allocation.Winner, Scores, Attributes).ShouldBe(split.Assignments);
        if (method == "best-of")
            CampaignSplit.Redraw(campaign, split.Allocation.Winner + 1, Scores).Zip(split.Assignments).Count(pair => pair.First != pair.Second).ShouldBeGreaterThan(9_000);
    }

    [Fact]
    public void The_balance_says_what_a_plain_hash_gives_and_what_the_choice_gave()
    {
        var split = CampaignSplit.Draw(Spring, 1, Scores, Attributes);
        var balance = SplitBalance.FromJson(split.Allocation.Balance);
        var plain = Splitter.ByHash([.. Scores.Select(s => s.Customer)], "salt/split/0", [[.. Scores.Select(s => (double)s.Control)], [.. Scores.Select(s => (double)s.Treatment)], Attributes["age"]]);

        balance.Covariates.ShouldBe(Spring.Covariates);
        balance.ImbalanceBefore!.Value.ShouldBe(split.Allocation.Imbalances[0], 1e-9);
        balance.ImbalanceBefore!.Value.ShouldBe(plain.Imbalance!.Value, 1e-9);
        balance.Imbalance!.Value.ShouldBe(split.Allocation.Imbalances.Min());
        balance.Attributes!.Select(a => a.Name).ShouldBe([Campaign.ControlScore, Campaign.TreatmentScore]);
        balance.Attributes![0].Before.ShouldBe(Balance.Of([[.. Scores.Select(s => (double)s.Control)]], plain.Arms.Select(a => a == Arm.Treatment).ToArray()).StandardisedDifferences[0]);
        balance.Attributes[0].After.ShouldBe(balance.ControlScore);
        Math.Abs(balance.ControlScore!.Value).ShouldBeLessThan(Math.Abs(balance.Attributes[0].Before!.Value));
    }

    [Fact]
    public void Blocks_are_within_deciles_of_the_first_covariate()
    {
        var split = CampaignSplit.Draw(Spring with { SplitMethod = "blocks", SplitCovariates = ["age"] }, 1, Scores, Attributes);
        var strata = Splitter.QuantileStrata(Attributes["age"], 10);
        for (int stratum = 0; stratum < 10; stratum++)
            split.Assignments.Where((_, i) => strata[i] == stratum).Count(a => a.Arm == 1).ShouldBe(1_000);
        CampaignSplit.Draw(Spring with { SplitMethod = "blocks" }, 1, Scores, Attributes).Assignments.ShouldNotBe(split.Assignments);
    }

    [Fact]
    public void A_covariate_without_values_is_refused() =>
        Should.Throw<InputException>(() => CampaignSplit.Draw(Spring, 1, Scores)).Message.ShouldStartWith("The split covariate \"age\" has no values");

    [Theory]
    [InlineData(1, 20)]
    [InlineData(2, 7)]
    [InlineData(3, 4)]
    public void Best_of_a_hundred_balances_the_chosen_covariates_many_times_better_than_a_plain_hash(int covariates, double times)
    {
        const int runs = 40;
        var stream = new RandomStream(5);
        Guid[] customers = [.. Enumerable.Range(0, 50_000).Select(i => CustomerHash.Of($"c{i}"))];
        // Skewed as scores are, and correlated as attributes are.
        double[] common = [.. customers.Select(_ => stream.NextNormal())];
        double[][] columns = [.. Enumerable.Range(0, covariates).Select(_ => common.Select(x => Math.Exp((0.5 * x) + stream.NextNormal())).ToArray())];
        double best = 0, plain = 0;
        for (int run = 0; run < runs; run++)
        {
            best += Mean(Splitter.BestOf(customers, columns, $"run{run}"));
            plain += Mean(Splitter.ByHash(customers, $"plain{run}"));
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{covariates} covariates: {plain / best:0.0} times smaller ({plain / runs:0.00000} → {best / runs:0.00000})");
        (plain / best).ShouldBeGreaterThan(times);

        double Mean(SplitResult split) => Balance.Of(columns, split.Arms.Select(a => a == Arm.Treatment).ToArray()).StandardisedDifferences.Average(d => Math.Abs(d!.Value));
    }

    private static float Share(Guid customer, ulong salt) => (float)CustomerHash.Share(CustomerHash.Salted(customer, new SaltKey(salt, salt)));
}
