using Pimm.Core.Allocating;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Allocating;

public sealed class RandomisationTestTests
{
    private static readonly Guid[] Customers = Enumerable.Range(0, 4_000).Select(i => CustomerHash.Of($"customer-{i}")).Order().ToArray();

    private static double[] Covariate(ulong seed)
    {
        var stream = new RandomStream(seed);
        return Customers.Select(_ => stream.NextNormal()).ToArray();
    }

    [Fact]
    public void P_is_the_same_at_any_thread_count_and_progress_reaches_all_draws()
    {
        double[] covariate = Covariate(1), values = Covariate(2);
        SplitResult split = Splitter.BestOf(Customers, [covariate], "s", 20);
        var design = RandomisationDesign.BestOf([covariate], 20);
        int told = 0, calls = 0;
        RandomisationResult one = RandomisationTest.Run(values, split.Arms, design, "s/test", threads: 1, progress: done => { told = Math.Max(told, done); calls++; });
        foreach (int threads in new[] { 2, 7 })
            RandomisationTest.Run(values, split.Arms, design, "s/test", threads: threads).ShouldBe(one);
        (told, one.Draws).ShouldBe((999, 999));
        calls.ShouldBeGreaterThan(1);
        RandomisationTest.Run(values, split.Arms, design, "other").StandardDeviation.ShouldNotBe(one.StandardDeviation);
    }

    [Fact]
    public void Small_cases_agree_with_the_count_over_every_split()
    {
        // 12 customers, 6 of them in the treatment: of the 4,094 splits with both arms inhabited the statistic is known for each.
        double[] values = [1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0];
        Arm[] arms = Enumerable.Range(0, 12).Select(i => i < 6 ? Arm.Treatment : Arm.Control).ToArray();
        double observed = Math.Abs(Difference(values, 0b111111));
        int far = Enumerable.Range(0, 4096).Count(mask => Math.Abs(Difference(values, mask)) >= observed - 1e-12);
        RandomisationResult result = RandomisationTest.Run(values, arms, RandomisationDesign.Plain, "small", 99_999);
        result.Statistic.ShouldBe(4.0 / 6 - 1.0 / 6, 1e-12);
        result.P.ShouldBe(far / 4096.0, 4 * Math.Sqrt(0.25 / 99_999));

        // In two strata of six a half each: 20 × 20 splits.
        int[] strata = [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1];
        int[] halves = Enumerable.Range(0, 4096).Where(mask => new[] { 0, 1 }.All(s => Enumerable.Range(0, 12).Count(i => strata[i] == s && (mask >> i & 1) == 1) == 3)).ToArray();
        halves.Length.ShouldBe(400);
        double exact = halves.Count(mask => Math.Abs(Difference(values, mask)) >= observed - 1e-12) / 400.0;
        RandomisationTest.Run(values, arms, RandomisationDesign.Blocks(strata), "small", 99_999).P.ShouldBe(exact, 4 * Math.Sqrt(0.25 / 99_999));

        static double Difference(double[] values, int mask)
        {
            var (t, c) = (Enumerable.Range(0, 12).Where(i => (mask >> i & 1) == 1).ToList(), Enumerable.Range(0, 12).Where(i => (mask >> i & 1) == 0).ToList());
            return t.Count == 0 || c.Count == 0 ? 0 : t.Average(i => values[i]) - c.Average(i => values[i]);
        }
    }

    [Fact]
    public void The_best_of_a_hundred_is_drawn_again_as_a_whole_so_that_its_better_balance_counts()
    {
        double[] covariate = Covariate(3);
        var stream = new RandomStream(4);
        double[] values = covariate.Select(x => x + stream.NextNormal()).ToArray();
        SplitResult split = Splitter.BestOf(Customers, [covariate], "balanced");
        RandomisationResult best = RandomisationTest.Run(values, split.Arms, RandomisationDesign.BestOf([covariate]), "t");
        RandomisationResult plain = RandomisationTest.Run(values, split.Arms, RandomisationDesign.Plain, "t");
        // The covariate explains half of the variance: balanced, the other half is left.
        plain.StandardDeviation.ShouldBe(2 * Math.Sqrt(2.0 / Customers.Length), 0.15 * 2 * Math.Sqrt(2.0 / Customers.Length));
        (best.StandardDeviation / plain.StandardDeviation).ShouldBe(Math.Sqrt(0.5), 0.08);
        RandomisationTest.Run([.. values.Zip(split.Arms, (v, arm) => v + (arm == Arm.Treatment ? 0.3 : 0))], split.Arms, RandomisationDesign.BestOf([covariate]), "t").P.ShouldBe(0.001);
    }

    [Fact]
    public void Without_an_effect_p_is_uniform()
    {
        double[] covariate = Covariate(5);
        var stream = new RandomStream(6);
        var values = covariate.Select(x => stream.NextDouble() < 0.02 * Math.Exp(x) ? 1.0 : 0).ToArray();
        double[] p = Enumerable.Range(0, 60).Select(run => RandomisationTest.Run(
            values, Splitter.BestOf(Customers, [covariate], $"run{run}", 10).Arms, RandomisationDesign.BestOf([covariate], 10), $"test{run}").P).Order().ToArray();
        // Kolmogorov's distance stays below 1.95/√60 in 999 of 1,000 cases.
        p.Select((value, i) => Math.Max(Math.Abs(value - (i + 1) / 60.0), Math.Abs(value - i / 60.0))).Max().ShouldBeLessThan(1.95 / Math.Sqrt(60));
    }

    [Fact]
    public void Wrong_uses_are_refused_with_a_sentence()
    {
        double[] values = Covariate(7);
        Arm[] arms = Splitter.ByHash(Customers, "s").Arms.ToArray();
        Refused(() => RandomisationTest.Run(values, arms, RandomisationDesign.Plain, "t", 998)).ShouldBe("998 draws are outside 999 to 1000000: fewer cannot tell a small p, more only take longer.");
        Refused(() => RandomisationTest.Run(values, arms[1..], RandomisationDesign.Plain, "t")).ShouldContain("3999 arms were given for 4000 values");
        Refused(() => RandomisationTest.Run([.. values[1..], double.NaN], arms, RandomisationDesign.Plain, "t")).ShouldContain("customer 4000 is NaN");
        Refused(() => RandomisationTest.Run(values, new Arm[4000], RandomisationDesign.Plain, "t")).ShouldContain("in one arm");
        Refused(() => RandomisationTest.Run(values, arms, RandomisationDesign.Blocks([1]), "t")).ShouldContain("1 strata");

        static string Refused(Action run) => Should.Throw<InputException>(run).Message;
    }

    [Fact]
    public void Fifty_thousand_customers_a_hundred_candidates_and_999_draws_take_seconds()
    {
        var stream = new RandomStream(8);
        double[] covariate = Enumerable.Range(0, 50_000).Select(_ => stream.NextNormal()).ToArray();
        double[] values = covariate.Select(_ => stream.NextDouble() < 0.01 ? 1.0 : 0).ToArray();
        Arm[] arms = covariate.Select(_ => stream.NextInt(2) == 0 ? Arm.Control : Arm.Treatment).ToArray();
        long start = TimeProvider.System.GetTimestamp();
        RandomisationTest.Run(values, arms, RandomisationDesign.BestOf([covariate]), "t", threads: 1).P.ShouldBeGreaterThan(0);
        TimeSpan took = TimeProvider.System.GetElapsedTime(start);
        TestContext.Current.TestOutputHelper?.WriteLine($"50,000 customers, R = 100, B = 999, one thread: {took.TotalSeconds:0.0} s");
        took.TotalSeconds.ShouldBeLessThan(60);
    }
}
