using FsCheck;
using FsCheck.Fluent;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.Properties;

public sealed class ProportionProperties
{
    private static readonly Dictionary<string, Func<Proportion, double, Estimate>> Rates = new()
    {
        ["wilson"] = (arm, confidence) => arm.Wilson(confidence),
        ["clopper-pearson"] = (arm, confidence) => arm.ClopperPearson(confidence),
        ["jeffreys"] = (arm, confidence) => arm.Jeffreys(confidence),
        ["agresti-coull"] = (arm, confidence) => arm.AgrestiCoull(confidence),
        ["wald"] = (arm, confidence) => arm.Wald(confidence),
    };

    private static readonly Dictionary<string, Func<TwoArms, double, Estimate>> Differences = new()
    {
        ["newcombe"] = (arms, confidence) => ProportionComparison.Newcombe(arms.Control, arms.Treatment, confidence),
        ["wald"] = (arms, confidence) => ProportionComparison.Wald(arms.Control, arms.Treatment, confidence).Estimate,
        ["agresti-caffo"] = (arms, confidence) => ProportionComparison.AgrestiCaffo(arms.Control, arms.Treatment, confidence).Estimate,
        ["miettinen-nurminen"] = (arms, confidence) => MiettinenNurminen.Difference(arms.Control, arms.Treatment, confidence),
    };

    private static readonly Dictionary<string, Func<TwoArms, double, Estimate>> Ratios = new()
    {
        ["log-risk-ratio"] = (arms, confidence) => LogRiskRatio.Lift(arms.Control, arms.Treatment, confidence).Estimate,
        ["pooled"] = (arms, confidence) => LogRiskRatio.Lift(arms.Control, arms.Treatment, confidence, pooled: true).Estimate,
        ["log-risk-ratio-adjusted"] = (arms, confidence) => LogRiskRatio.Adjusted(arms.Control, arms.Treatment, confidence).Estimate,
        ["koopman"] = (arms, confidence) => Koopman.Lift(arms.Control, arms.Treatment, confidence),
    };

    private static readonly Dictionary<string, Func<TwoArms, double, Estimate>> Lopsided = new()
    {
        ["continuity"] = (arms, confidence) => LogRiskRatio.Lift(arms.Control, arms.Treatment, confidence, continuity: true).Estimate,
        ["delta"] = (arms, confidence) => MeanComparison.DeltaLift(arms.Control.Sample!.Value, arms.Treatment.Sample!.Value, confidence).Estimate,
        ["fieller"] = (arms, confidence) => MeanComparison.FiellerLift(arms.Control.Sample!.Value, arms.Treatment.Sample!.Value, confidence).Estimate,
    };

    private static readonly Dictionary<string, Func<TwoArms, double?>> Tests = new()
    {
        ["fisher"] = arms => TwoByTwo.Fisher(arms.Control, arms.Treatment),
        ["pearson"] = arms => TwoByTwo.Pearson(arms.Control, arms.Treatment) is { } root ? Estimate.PValue(root) : null,
        ["pearson-yates"] = arms => TwoByTwo.Pearson(arms.Control, arms.Treatment, yates: true) is { } root ? Estimate.PValue(root) : null,
        ["g"] = arms => TwoByTwo.LikelihoodRatio(arms.Control, arms.Treatment) is { } root ? Estimate.PValue(root) : null,
        ["default"] = arms => TwoByTwo.PValue(arms.Control, arms.Treatment),
    };

    [Fact]
    public void Nothing_valid_gives_a_number_that_is_none_or_bounds_out_of_order() => Given.ForAll(Given.Arms, Given.Confidence, (arms, confidence) =>
    {
        foreach (var (name, rate) in Rates)
            InOrder(name, rate(arms.Control, confidence), 0, 1);
        foreach (var (name, difference) in Differences)
            InOrder(name, difference(arms, confidence), double.NegativeInfinity, double.PositiveInfinity);
        foreach (var (name, lift) in Ratios.Concat(Lopsided))
            InOrder(name, lift(arms, confidence), double.NegativeInfinity, double.PositiveInfinity);
        foreach (var (name, test) in Tests)
            if (test(arms) is { } p)
                p.ShouldBeInRange(0, 1, name);
    });

    [Fact]
    public void Swapping_the_arms_turns_differences_around_and_ratios_over() => Given.ForAll(Given.Arms, Given.Confidence, (arms, confidence) =>
    {
        foreach (var (name, difference) in Differences)
        {
            Estimate one = difference(arms, confidence), other = difference(arms.Swapped, confidence);
            (other.Lower + one.Upper ?? 0).ShouldBe(0, 1e-9, name);
            (other.Upper + one.Lower ?? 0).ShouldBe(0, 1e-9, name);
            (other.StandardError - one.StandardError ?? 0).ShouldBe(0, 1e-12, name);
        }
        foreach (var (name, ratio) in Ratios)
        {
            Estimate one = ratio(arms, confidence), other = ratio(arms.Swapped, confidence);
            if (one.Lower is null || other.Lower is null)
                continue;
            (1 + other.Lower!.Value).ShouldBeReciprocalOf(1 + one.Upper!.Value, 1e-6);
            (1 + other.Upper!.Value).ShouldBeReciprocalOf(1 + one.Lower!.Value, 1e-6);
        }
        foreach (var (name, test) in Tests)
            (test(arms.Swapped) - test(arms) ?? 0).ShouldBe(0, 1e-6, name);
    });

    [Fact]
    public void Counting_those_who_did_not_convert_mirrors_rates_and_differences() => Given.ForAll(Given.Arms, Given.Confidence, (arms, confidence) =>
    {
        var missed = new TwoArms(Missed(arms.Control), Missed(arms.Treatment));
        foreach (var (name, rate) in Rates)
        {
            Estimate hits = rate(arms.Control, confidence), misses = rate(missed.Control, confidence);
            (hits.Lower + misses.Upper ?? 1).ShouldBe(1, 1e-9, name);
            (hits.Upper + misses.Lower ?? 1).ShouldBe(1, 1e-9, name);
        }
        foreach (var (name, difference) in Differences)
            (difference(arms, confidence).Lower + difference(missed, confidence).Upper ?? 0).ShouldBe(0, 1e-9, name);
        foreach (var (name, test) in Tests)
            (test(missed) - test(arms) ?? 0).ShouldBe(0, 1e-6, name);
    });

    [Fact]
    public void More_confidence_never_narrows_an_interval() => Given.ForAll(Given.Arms, Gen.Two(Given.Confidence), (arms, two) =>
    {
        double low = Math.Min(two.Item1, two.Item2), high = Math.Max(two.Item1, two.Item2);
        foreach (var (name, rate) in Rates)
            Contains(name, rate(arms.Control, high), rate(arms.Control, low));
        foreach (var (name, interval) in Differences.Concat(Ratios).Concat(Lopsided))
            Contains(name, interval(arms, high), interval(arms, low));
    });

    [Fact]
    public void More_customers_at_the_same_rates_narrow_every_interval() => Given.ForAll(Given.OpenArms, Gen.Choose(2, 50).Zip(Given.Confidence), (arms, with) =>
    {
        var more = new TwoArms(Times(arms.Control, with.Item1), Times(arms.Treatment, with.Item1));
        foreach (var (name, rate) in Rates)
            Narrower(name, rate(more.Control, with.Item2), rate(arms.Control, with.Item2));
        foreach (var (name, interval) in Differences.Concat(Ratios).Concat(Lopsided))
            Narrower(name, interval(more, with.Item2), interval(arms, with.Item2));
    });

    private static readonly Gen<Proportion> Small = Gen.Choose(1, 25).SelectMany(n => Gen.Choose(0, n).Select(x => new Proportion(n, x)));

    [Fact]
    public void Exact_tests_are_the_same_for_swapped_arms_and_agree_on_the_side() => Given.ForAll(Gen.Two(Small), pair =>
    {
        (Proportion first, Proportion second) = pair;
        foreach (var test in new Func<Proportion, Proportion, Alternative, double>[] { UnconditionalExact.Barnard, UnconditionalExact.Boschloo, TwoByTwo.Fisher })
        {
            double two = test(first, second, Alternative.TwoSided), greater = test(first, second, Alternative.Greater), less = test(first, second, Alternative.Less);
            foreach (double p in new[] { two, greater, less })
                p.ShouldBeInRange(0, 1);
            test(second, first, Alternative.TwoSided).ShouldBe(two, 1e-7);
            test(second, first, Alternative.Less).ShouldBe(greater, 1e-7);
            test(Missed(first), Missed(second), Alternative.Less).ShouldBe(greater, 1e-7);
            // Boschloo's sides are ordered by two statistics, so that the table seen may be all they share.
            if (test != UnconditionalExact.Boschloo)
                (greater + less).ShouldBeGreaterThan(1 - 1e-9);
        }
    });

    [Fact]
    public void A_sample_ratio_does_not_know_the_order_of_its_groups_or_the_unit_of_its_weights() =>
        Given.ForAll(Gen.Two(Given.Customers), Gen.Choose(1, 1000).Select(w => w / 100.0).Zip(Gen.Choose(1, 1000).Select(w => w / 100.0)), (counts, weights) =>
        {
            long[] observed = [counts.Item1, counts.Item2];
            double[] planned = [weights.Item1, weights.Item2];
            foreach (var method in new Func<IReadOnlyList<long>, IReadOnlyList<double>, SampleRatio>[] { SampleRatio.Of, SampleRatio.Binomial, (o, w) => SampleRatio.Normal(o, w), (o, w) => SampleRatio.Normal(o, w, corrected: true) })
            {
                SampleRatio ratio = method(observed, planned);
                ratio.ShouldHaveNoNaN();
                ratio.PValue.ShouldBeInRange(0, 1);
                method([observed[1], observed[0]], [planned[1], planned[0]]).PValue.ShouldBe(ratio.PValue, 1e-7);
                method(observed, [.. planned.Select(w => 7 * w)]).PValue.ShouldBe(ratio.PValue, 1e-7);
            }
        });

    private static Proportion Missed(Proportion arm) => new(arm.N, arm.N - arm.Conversions);

    private static Proportion Times(Proportion arm, long times) => new(arm.N * times, arm.Conversions * times);

    private static void InOrder(string name, Estimate estimate, double lowest, double highest)
    {
        estimate.ShouldHaveNoNaN();
        if (estimate.Lower is not { } lower || estimate.Upper is not { } upper)
            return;
        lower.ShouldBeInRange(lowest, upper + 1e-12, name);
        upper.ShouldBeLessThanOrEqualTo(highest, name);
    }

    internal static void Contains(string name, Estimate wide, Estimate narrow)
    {
        if (wide.Lower is null || narrow.Lower is null)
            return;
        double slack = 1e-9 * (1 + Math.Abs(narrow.Value ?? 0));
        wide.Lower!.Value.ShouldBeLessThanOrEqualTo(narrow.Lower!.Value + slack, name);
        if (!double.IsInfinity(wide.Upper!.Value))
            wide.Upper!.Value.ShouldBeGreaterThanOrEqualTo(narrow.Upper!.Value * (1 - 1e-9) - slack, name);
    }

    internal static void Narrower(string name, Estimate narrow, Estimate wide)
    {
        if (narrow.Lower is null || wide.Lower is null || double.IsInfinity(wide.Upper!.Value - wide.Lower!.Value))
            return;
        (narrow.Upper!.Value - narrow.Lower!.Value).ShouldBeLessThanOrEqualTo((wide.Upper!.Value - wide.Lower!.Value) * (1 + 1e-9), name);
    }
}
