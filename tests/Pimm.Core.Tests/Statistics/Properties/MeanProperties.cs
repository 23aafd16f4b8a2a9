using FsCheck;
using FsCheck.Fluent;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.Properties;

public sealed class MeanProperties
{
    private static readonly Gen<double> Factor = Gen.Elements(1e-85, 1e-6, 0.01, 0.37, 100, 1e6, 1e80);

    private static (SampleMean Control, SampleMean Treatment) Of(TwoSamples samples) =>
        (Given.MomentsOf(samples.Control).Sample!.Value, Given.MomentsOf(samples.Treatment).Sample!.Value);

    private static TestedEstimate Welch(TwoSamples samples, double confidence) => MeanComparison.Welch(Of(samples).Control, Of(samples).Treatment, confidence);

    private static TestedEstimate Delta(TwoSamples samples, double confidence) => MeanComparison.DeltaLift(Of(samples).Control, Of(samples).Treatment, confidence);

    private static TestedEstimate FiellerOf(TwoSamples samples, double confidence) => MeanComparison.FiellerLift(Of(samples).Control, Of(samples).Treatment, confidence);

    [Fact]
    public void The_unit_of_the_values_changes_no_lift_and_scales_a_difference() => Given.ForAll(Given.Samples, Factor.Zip(Given.Confidence), (samples, with) =>
    {
        TwoSamples scaled = samples.Times(with.Item1);
        Same(Welch(scaled, with.Item2), Welch(samples, with.Item2), with.Item1);
        Same(Delta(scaled, with.Item2), Delta(samples, with.Item2), 1);
        Same(FiellerOf(scaled, with.Item2), FiellerOf(samples, with.Item2), 1);
        LiftPosterior posterior = LiftPosterior.Of(Delta(samples, 0.95).Estimate), again = LiftPosterior.Of(Delta(scaled, 0.95).Estimate);
        (again.ChanceToWin - posterior.ChanceToWin ?? 0).ShouldBe(0, 1e-6);
    });

    [Fact]
    public void Swapping_the_arms_turns_a_difference_around() => Given.ForAll(Given.Samples, Given.Confidence, (samples, confidence) =>
    {
        TestedEstimate one = Welch(samples, confidence), other = Welch(samples.Swapped, confidence);
        other.Estimate.Lower!.Value.ShouldBe(-one.Estimate.Upper!.Value, 1e-9 * (1 + Math.Abs(one.Estimate.Upper!.Value)));
        other.PValue(new()).ShouldBe(one.PValue(new()));
        other.PValue(new(0.95, Alternative.Less))!.Value.ShouldBe(one.PValue(new(0.95, Alternative.Greater))!.Value, 1e-12);
    });

    [Fact]
    public void Negative_values_keep_the_sign_of_the_effect() => Given.ForAll(Given.Samples, Given.Confidence, (samples, confidence) =>
    {
        double difference = Of(samples).Treatment.Mean - Of(samples).Control.Mean;
        foreach (TestedEstimate lift in new[] { Delta(samples, confidence), FiellerOf(samples, confidence) })
            if (lift.Estimate.Value is { } value && Math.Abs(difference) > 1e-9)
                Math.Sign(value).ShouldBe(Math.Sign(difference));
        TwoSamples mirrored = samples.Times(-1);
        if (Delta(samples, confidence).Estimate is { Value: not null, StandardError: > 0 } up && Delta(mirrored, confidence).Estimate is { Value: not null } down)
            down.Value!.Value.ShouldBe(-up.Value!.Value, 1e-6 * (1 + Math.Abs(up.Value!.Value)));
    });

    [Fact]
    public void Nothing_valid_gives_a_number_that_is_none() => Given.ForAll(Given.Samples, Given.Confidence, (samples, confidence) =>
    {
        foreach (TestedEstimate estimate in new[] { Welch(samples, confidence), Delta(samples, confidence), FiellerOf(samples, confidence) })
        {
            estimate.Estimate.ShouldHaveNoNaN();
            if (estimate.PValue(new()) is { } p)
                p.ShouldBeInRange(0, 1);
        }
        LiftPosterior posterior = LiftPosterior.Of(Delta(samples, confidence).Estimate, new LiftPrior(0, 0.1), confidence);
        posterior.ShouldHaveNoNaN();
        posterior.Estimate.ShouldHaveNoNaN();
    });

    [Fact]
    public void More_confidence_never_narrows_and_p_agrees_with_the_interval() => Given.ForAll(Given.Samples, Gen.Two(Given.Confidence), (samples, two) =>
    {
        double low = Math.Min(two.Item1, two.Item2), high = Math.Max(two.Item1, two.Item2);
        foreach (Func<TwoSamples, double, TestedEstimate> of in new[] { Welch, Delta, FiellerOf })
        {
            ProportionProperties.Contains("means", of(samples, high).Estimate, of(samples, low).Estimate);
            // An unbounded Fieller interval stands for a set with a gap and leaves nothing out.
            if (of(samples, low) is { Estimate.Lower: not null and not double.NegativeInfinity } estimate && estimate.PValue(new())!.Value is var p && Math.Abs(p - (1 - low)) > 1e-6)
                estimate.Estimate.Excludes(0).ShouldBe(p < 1 - low);
        }
        Estimate lift = Delta(samples, 0.95).Estimate;
        ProportionProperties.Contains("posterior", LiftPosterior.Of(lift, null, high).Estimate, LiftPosterior.Of(lift, null, low).Estimate);
    });

    [Fact]
    public void A_posterior_lies_between_prior_and_data_and_swapping_the_sign_swaps_the_risks() =>
        Given.ForAll(Gen.Two(Given.Value), Gen.Choose(1, 1000).Select(s => s / 100.0).Zip(Gen.Choose(1, 1000).Select(v => v / 100.0)), (means, spreads) =>
        {
            Estimate lift = Estimate.Normal(means.Item1, spreads.Item1, 0.95, "given");
            LiftPosterior posterior = LiftPosterior.Of(lift, new LiftPrior(means.Item2, spreads.Item2));
            posterior.Estimate.Value!.Value.ShouldBeInRange(Math.Min(means.Item1, means.Item2) - 1e-9, Math.Max(means.Item1, means.Item2) + 1e-9);
            posterior.Estimate.StandardError!.Value.ShouldBeLessThan(spreads.Item1);
            LiftPosterior mirrored = LiftPosterior.Of(Estimate.Normal(-means.Item1, spreads.Item1, 0.95, "given"), new LiftPrior(-means.Item2, spreads.Item2));
            mirrored.ControlRisk!.Value.ShouldBe(posterior.TreatmentRisk!.Value, 1e-12);
            (mirrored.ChanceToWin!.Value + posterior.ChanceToWin!.Value).ShouldBe(1, 1e-12);
        });

    private static void Same(TestedEstimate scaled, TestedEstimate plain, double factor)
    {
        (scaled.Estimate.Value is null).ShouldBe(plain.Estimate.Value is null);
        Close(scaled.Estimate.Value, plain.Estimate.Value * factor, plain.Estimate.StandardError * factor);
        Close(scaled.Estimate.StandardError, plain.Estimate.StandardError * factor, plain.Estimate.StandardError * factor);
        if (plain.PValue(new()) is { } p)
            scaled.PValue(new())!.Value.ShouldBe(p, 1e-6);
    }

    private static void Close(double? actual, double? expected, double? unit)
    {
        if (expected is { } value)
            actual!.Value.ShouldBe(value, 1e-6 * (Math.Abs(value) + (unit ?? 0)) + 1e-300);
    }
}
