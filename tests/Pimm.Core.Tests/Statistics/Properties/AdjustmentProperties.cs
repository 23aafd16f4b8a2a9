using FsCheck;
using FsCheck.Fluent;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.Properties;

public sealed class AdjustmentProperties
{
    /// <summary>Outcome and covariate of two arms with something in common, at least five customers an arm.</summary>
    private static readonly Gen<((double[] Y, double[] X) Control, (double[] Y, double[] X) Treatment)> Pairs = Gen.Two(
        from count in Gen.Choose(5, 40)
        from x in Gen.ArrayOf(Given.Value, count)
        from noise in Gen.ArrayOf(Given.Value, count)
        where x.Distinct().Count() > 2 && noise.Distinct().Count() > 2
        select (Y: x.Zip(noise, (a, b) => 30 + 0.7 * a + b).ToArray(), X: x));

    private static Cuped Adjust((double[] Y, double[] X) control, (double[] Y, double[] X) treatment, bool relative, double factor = 1, double shift = 0, double unit = 1)
    {
        CovariateArm Arm((double[] Y, double[] X) arm)
        {
            double[] x = [.. arm.X.Select(value => factor * value + shift)], y = [.. arm.Y.Select(value => unit * value)];
            return CovariateArm.OfMeans(Given.MomentsOf(y), Given.MomentsOf(x), x.Zip(y, (a, b) => a * b).Sum());
        }
        return Cuped.Of(Arm(control), Arm(treatment), relative);
    }

    [Fact]
    public void The_covariates_unit_and_zero_change_nothing_of_an_adjusted_effect() => Given.ForAll(Pairs, Gen.Elements(true, false), (pairs, relative) =>
    {
        Cuped plain = Adjust(pairs.Item1, pairs.Item2, relative), other = Adjust(pairs.Item1, pairs.Item2, relative, factor: -20, shift: 3);
        Near(other.Adjusted.Estimate, plain.Adjusted.Estimate);
        (other.Theta * -20).ShouldBe(plain.Theta, 1e-6);
        if (relative)
            foreach (double unit in new[] { 1000, -1000, 1e-85, 1e80 })
                Near(Adjust(pairs.Item1, pairs.Item2, true, unit: unit).Adjusted.Estimate, plain.Adjusted.Estimate, Math.Sign(unit));
        plain.Adjusted.Estimate.ShouldHaveNoNaN();
    });

    [Fact]
    public void Swapping_the_arms_turns_an_adjusted_difference_around_and_keeps_theta() => Given.ForAll(Pairs, pairs =>
    {
        Cuped one = Adjust(pairs.Item1, pairs.Item2, false), other = Adjust(pairs.Item2, pairs.Item1, false);
        other.Theta.ShouldBe(one.Theta, 1e-9);
        other.Adjusted.Estimate.Value!.Value.ShouldBe(-one.Adjusted.Estimate.Value!.Value, 1e-9);
        other.Adjusted.Estimate.StandardError!.Value.ShouldBe(one.Adjusted.Estimate.StandardError!.Value, 1e-9);
        other.VarianceReduction!.Value.ShouldBe(one.VarianceReduction!.Value, 1e-9);
    });

    [Fact]
    public void Strata_do_not_know_their_order_and_one_stratum_is_no_stratification() => Given.ForAll(Given.Samples, Given.Samples, (first, second) =>
    {
        Stratum Of(TwoSamples samples) => new(Given.MomentsOf(samples.Control).Sample!.Value, Given.MomentsOf(samples.Treatment).Sample!.Value);
        foreach (bool relative in new[] { false, true })
        {
            Estimate one = PostStratification.Effect([Of(first), Of(second)], relative).Estimate, other = PostStratification.Effect([Of(second), Of(first)], relative).Estimate;
            one.ShouldHaveNoNaN();
            Near(other, one);
            foreach (double unit in relative ? [-1.0, -1000, 1e-80, 1e80] : new[] { -1.0 })
                Near(PostStratification.Effect([Of(first.Times(unit)), Of(second.Times(unit))], relative).Estimate, one, Math.Sign(unit));
        }
        Estimate alone = PostStratification.Effect([Of(first)], relative: false).Estimate;
        Estimate plain = MeanComparison.Welch(Of(first).Control, Of(first).Treatment).Estimate;
        alone.Value!.Value.ShouldBe(plain.Value!.Value, 1e-9);
        alone.StandardError!.Value.ShouldBe(plain.StandardError!.Value, 1e-9 * plain.StandardError!.Value);
        Near(PostStratification.Effect([Of(first.Swapped), Of(second.Swapped)], relative: false).Estimate, PostStratification.Effect([Of(first), Of(second)], relative: false).Estimate, sign: -1);
    });

    [Fact]
    public void Adjusted_p_values_keep_their_order_and_are_never_smaller() => Given.ForAll(Gen.ListOf(Gen.Choose(0, 10_000).Select(p => p / 10_000.0)), drawn =>
    {
        double[] p = [.. drawn];
        foreach (var method in new Func<IReadOnlyList<double>, double[]>[] { Multiplicity.Bonferroni, Multiplicity.Holm, Multiplicity.HolmSidak, Multiplicity.Hochberg, Multiplicity.BenjaminiHochberg, Multiplicity.BenjaminiYekutieli })
        {
            double[] adjusted = method(p), backwards = method([.. p.Reverse()]);
            backwards.Reverse().ToArray().ShouldBe(adjusted, 1e-12);
            for (int i = 0; i < p.Length; i++)
            {
                adjusted[i].ShouldBeInRange(p[i] - 1e-12, 1);
                for (int j = 0; j < p.Length; j++)
                    if (p[i] < p[j])
                        adjusted[i].ShouldBeLessThanOrEqualTo(adjusted[j] + 1e-12);
            }
        }
    });

    [Fact]
    public void Balance_knows_neither_units_nor_which_group_is_called_treatment() => Given.ForAll(Pairs, Gen.Elements(-3.0, 0.001, 50), (pairs, factor) =>
    {
        double[] y = [.. pairs.Item1.Y, .. pairs.Item2.Y], x = [.. pairs.Item1.X, .. pairs.Item2.X];
        bool[] treated = [.. pairs.Item1.Y.Select(_ => false), .. pairs.Item2.Y.Select(_ => true)], swapped = [.. treated.Select(arm => !arm)];
        Balance plain = Balance.Of([y, x], treated), turned = Balance.Of([y, x], swapped);
        Balance scaled = Balance.Of([[.. y.Select(value => factor * value + 7)], [.. x.Zip(y, (a, b) => a + b)]], treated);
        plain.ShouldHaveNoNaN();
        turned.Mahalanobis!.Value.ShouldBe(plain.Mahalanobis!.Value, 1e-8);
        scaled.Mahalanobis!.Value.ShouldBe(plain.Mahalanobis!.Value, 1e-6 * (1 + plain.Mahalanobis!.Value));
        turned.StandardisedDifferences[0]!.Value.ShouldBe(-plain.StandardisedDifferences[0]!.Value, 1e-9);
        scaled.StandardisedDifferences[0]!.Value.ShouldBe(Math.Sign(factor) * plain.StandardisedDifferences[0]!.Value, 1e-7);
    });

    [Fact]
    public void An_auc_knows_only_the_order_of_scores_and_the_proportions_of_weights() => Given.ForAll(
        Gen.NonEmptyListOf(Gen.Choose(0, 1).Zip(Gen.Choose(-5, 5)).Zip(Gen.Choose(1, 9))), drawn =>
        {
            byte[] labels = [.. drawn.Select(row => (byte)row.Item1.Item1)];
            double[] scores = [.. drawn.Select(row => (double)row.Item1.Item2)], weights = [.. drawn.Select(row => (double)row.Item2)];
            double? auc = WeightedAuc.Of(labels, scores, weights);
            (auc is null).ShouldBe(labels.Distinct().Count() == 1);
            if (auc is not { } area)
                return;
            area.ShouldBeInRange(0, 1);
            WeightedAuc.Of(labels, [.. scores.Select(Math.Exp)], [.. weights.Select(w => w / 3)])!.Value.ShouldBe(area, 1e-12);
            WeightedAuc.Of(labels, [.. scores.Select(s => -s)], weights)!.Value.ShouldBe(1 - area, 1e-12);
            WeightedAuc.Of([.. labels.Select(label => (byte)(1 - label))], scores, weights)!.Value.ShouldBe(1 - area, 1e-12);
        });

    private static void Near(Estimate actual, Estimate expected, int sign = 1)
    {
        (actual.Value is null).ShouldBe(expected.Value is null);
        if (expected.Value is not { } value || expected.StandardError is not { } error)
            return;
        actual.Value!.Value.ShouldBe(sign * value, 1e-6 * (Math.Abs(value) + error));
        actual.StandardError!.Value.ShouldBe(error, 1e-6 * error + 1e-300);
    }
}
