using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>CUPED's relative effect divided by the adjusted mean, or with the variance of independent parts.</summary>
public sealed class Mistake02CupedRelativeVariance
{
    private const int Campaigns = 3000;
    private const int Customers = 200;

    [Fact]
    public void The_effect_is_relative_to_the_raw_control_mean_not_to_what_the_covariate_leaves()
    {
        // 95 of the 100 are the covariate's: over the adjusted mean of 5 the same 10 would read +200 %.
        CovariateArm control = new(new SampleMean(1000, 100, 100), new SampleMean(1000, 95, 90), 88, 999);
        CovariateArm treatment = new(new SampleMean(1000, 110, 100), new SampleMean(1000, 95, 90), 88, 999);

        Cuped.Of(control, treatment, relative: true).Adjusted.Estimate.Value!.Value.ShouldBe(0.10, 1e-9);
    }

    [Fact]
    public void The_relative_interval_covers_a_large_lift_at_its_confidence()
    {
        const double lift = 0.5;
        var stream = new RandomStream(21);
        int covered = 0, naive = 0;
        for (int run = 0; run < Campaigns; run++)
        {
            CovariateArm control = Draw(stream, 1), treatment = Draw(stream, 1 + lift);
            Cuped cuped = Cuped.Of(control, treatment, relative: true);
            covered += Holds(cuped.Adjusted.Estimate, lift) ? 1 : 0;
            // The mistake: the adjusted effect's absolute error over the control mean, as if that mean were known.
            double error = Cuped.Of(control, treatment, relative: false).Adjusted.Estimate.StandardError!.Value / control.Outcome.Mean;
            naive += Math.Abs(cuped.Adjusted.Estimate.Value!.Value - lift) < 1.96 * error ? 1 : 0;
        }

        // 95 % ± 3 Monte-Carlo standard errors.
        ((double)covered / Campaigns).ShouldBeInRange(0.938, 0.962);
        ((double)naive / Campaigns).ShouldBeLessThan(0.93);
    }

    private static bool Holds(Estimate estimate, double truth) => estimate.Lower < truth && truth < estimate.Upper;

    private static CovariateArm Draw(RandomStream stream, double factor)
    {
        Moments before = default, after = default;
        double cross = 0;
        for (int i = 0; i < Customers; i++)
        {
            double x = 10 + 3 * stream.NextNormal(), y = factor * (x + 3 * stream.NextNormal());
            (before, after, cross) = (before.Plus(x), after.Plus(y), cross + x * y);
        }
        return CovariateArm.OfMeans(after, before, cross);
    }
}
