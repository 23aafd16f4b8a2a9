using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Each arm capped at a percentile of its own.</summary>
public sealed class Mistake07WinsorThresholdPerArm
{
    [Fact]
    public void One_threshold_of_both_arms_keeps_the_difference_that_own_thresholds_bias()
    {
        // The treatment triples the customers who spend 100 instead of 10, from 1 % to 3 %: worth 1.8 a customer.
        double[] control = Arm(10), treatment = Arm(30);
        Winsor pooled = Winsor.Pooled([control, treatment], 0, 0.985);
        Winsor ofControl = Winsor.Pooled([control], 0, 0.985), ofTreatment = Winsor.Pooled([treatment], 0, 0.985);

        (pooled.Apply(treatment).Average() - pooled.Apply(control).Average()).ShouldBe(1.8, 1e-9);
        // The control's own cap cuts its tail away, the treatment's own cap leaves its tail: half as much again.
        (ofTreatment.Apply(treatment).Average() - ofControl.Apply(control).Average()).ShouldBe(2.7, 1e-9);
    }

    [Fact]
    public void Where_the_arms_are_alike_own_thresholds_add_noise_to_the_cap_and_a_pooled_one_is_the_same_for_both()
    {
        var stream = new RandomStream(41);
        double[] Draw() => [.. Enumerable.Range(0, 2000).Select(_ => Math.Exp(stream.NextNormal()))];
        double[] control = Draw(), treatment = Draw();
        Winsor pooled = Winsor.Pooled([control, treatment], 0.01, 0.99);

        pooled.ShouldBe(Winsor.Pooled([treatment, control], 0.01, 0.99));
        Winsor.Pooled([control], 0.01, 0.99).Upper.ShouldNotBe(Winsor.Pooled([treatment], 0.01, 0.99).Upper);
        pooled.Apply(control).Max().ShouldBe(pooled.Apply(treatment).Max());
        pooled.Apply(control).Min().ShouldBe(pooled.Apply(treatment).Min());
    }

    private static double[] Arm(int tail) => [.. Enumerable.Range(0, 1000).Select(i => i < tail ? 100.0 : 10.0)];
}
