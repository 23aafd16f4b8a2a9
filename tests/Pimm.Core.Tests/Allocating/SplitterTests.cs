using Pimm.Core.Allocating;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Allocating;

public sealed class SplitterTests
{
    private static readonly Guid[] Customers = Enumerable.Range(0, 20_000).Select(i => CustomerHash.Of($"customer-{i}")).ToArray();

    private static double[] Covariate(ulong seed)
    {
        var stream = new RandomStream(seed);
        return Customers.Select(_ => Math.Exp(stream.NextNormal())).ToArray();
    }

    [Fact]
    public void A_hash_split_is_a_function_of_salt_and_customer_alone()
    {
        SplitResult split = Splitter.ByHash(Customers, "salt");
        SplitResult reversed = Splitter.ByHash(Customers.Reverse().ToArray(), "salt");
        reversed.Arms.Reverse().ShouldBe(split.Arms);
        SampleRatio.Of([split.Controls, split.Treatments], [1, 1]).PValue.ShouldBeGreaterThan(0.001);
    }

    [Fact]
    public void The_best_candidate_has_the_smallest_imbalance_and_its_salt_alone_gives_the_arms_again()
    {
        SplitResult split = Splitter.BestOf(Customers, [Covariate(1)], "campaign-7");
        split.Candidates.Count.ShouldBe(100);
        split.Imbalance.ShouldBe(split.Candidates.Min());
        split.Candidates[split.Winner].ShouldBe(split.Imbalance!.Value);
        Splitter.ByHash(Customers, split.Salt!).Arms.ShouldBe(split.Arms);
        Balance.Of([Covariate(1)], split.Arms.Select(arm => arm == Arm.Treatment).ToArray()).Mahalanobis!.Value.ShouldBe(split.Imbalance!.Value, 1e-9);
    }

    [Fact]
    public void The_result_is_the_same_at_any_thread_count()
    {
        double[][] covariates = [Covariate(1), Covariate(2), Covariate(3)];
        SplitResult one = Splitter.BestOf(Customers, covariates, "s", threads: 1), four = Splitter.BestOf(Customers, covariates, "s", threads: 4);
        four.Candidates.ShouldBe(one.Candidates);
        four.Arms.ShouldBe(one.Arms);
    }

    [Fact]
    public void Best_of_a_hundred_makes_one_covariate_far_better_balanced_than_a_plain_split()
    {
        double[] covariate = Covariate(4);
        double plain = 0, best = 0;
        for (int run = 0; run < 10; run++)
        {
            plain += Math.Sqrt(Splitter.ByHash(Customers, $"p{run}", [covariate]).Imbalance!.Value);
            best += Math.Sqrt(Splitter.BestOf(Customers, [covariate], $"b{run}").Imbalance!.Value);
        }
        (plain / best).ShouldBeGreaterThan(20); // about 65 × in campaign.md
    }

    [Fact]
    public void Two_hundred_thousand_customers_and_a_hundred_candidates_take_seconds()
    {
        Guid[] many = Enumerable.Range(0, 200_000).Select(i => CustomerHash.Of($"c{i}")).ToArray();
        var stream = new RandomStream(1);
        double[] covariate = many.Select(_ => stream.NextNormal()).ToArray();
        long start = TimeProvider.System.GetTimestamp();
        Splitter.BestOf(many, [covariate], "big", threads: 1);
        TimeProvider.System.GetElapsedTime(start).TotalSeconds.ShouldBeLessThan(10);
    }

    [Fact]
    public void Blocks_give_every_stratum_equal_arms_and_are_recomputed_from_their_seed()
    {
        int[] strata = Splitter.QuantileStrata(Covariate(5), 7);
        SplitResult split = Splitter.ByBlocks(Customers, strata, seed: 9, blockSize: 4);
        for (int stratum = 0; stratum < 7; stratum++)
        {
            Arm[] members = split.Arms.Where((_, i) => strata[i] == stratum).ToArray();
            Math.Abs(members.Count(arm => arm == Arm.Treatment) * 2 - members.Length).ShouldBeLessThanOrEqualTo(2);
        }
        Splitter.BlockMismatches(Customers, strata, 9, 4, split.Arms).ShouldBe(0);
        Arm[] altered = split.Arms.ToArray();
        altered[17] = 1 - altered[17];
        Splitter.BlockMismatches(Customers, strata, 9, 4, altered).ShouldBe(1);
        Splitter.ByBlocks(Customers.Reverse().ToArray(), strata.Reverse().ToArray(), 9, 4).Arms.Reverse().ShouldBe(split.Arms);
    }

    [Fact]
    public void Bounds_are_said_in_a_sentence()
    {
        Should.Throw<InputException>(() => Splitter.BestOf(Customers, [], "s")).Message.ShouldContain("0 covariates");
        Should.Throw<InputException>(() => Splitter.BestOf(Customers, [Covariate(1)], "s", candidates: 0));
        Should.Throw<InputException>(() => Splitter.ByBlocks(Customers, new int[20_000], 1, blockSize: 3)).Message.ShouldContain("even number");
        Splitter.BestOf(Customers, [new double[20_000]], "s").Imbalance.ShouldBeNull();
    }
}
