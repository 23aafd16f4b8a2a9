using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Sample-ratio alarms where nothing is wrong: a hold-out counted as an arm, a threshold that is no fraction, steps counted twice.</summary>
public sealed class Mistake04SampleRatioFalseAlarms
{
    [Fact]
    public void A_hold_out_is_no_arm_and_an_arm_without_weight_is_refused()
    {
        long[] arms = [45_120, 44_880];
        SampleRatio.Of(arms, [1, 1]).PValue.ShouldBeGreaterThan(SampleRatio.Alarm);

        // Ten thousand held out, taken for a third arm of equal weight, would be an alarm on every experiment.
        SampleRatio.Of([.. arms, 10_000], [1, 1, 1]).PValue.ShouldBeLessThan(SampleRatio.Alarm);
        Should.Throw<InputException>(() => SampleRatio.Of([.. arms, 10_000], [1, 1, 0])).Message.ShouldContain("leave out groups that expect nobody");
    }

    [Fact]
    public void The_alarm_is_a_p_value_and_rare_under_a_right_split()
    {
        SampleRatio.Alarm.ShouldBeInRange(0, 0.01);
        var stream = new RandomStream(31);
        int alarms = 0;
        for (int run = 0; run < 20_000; run++)
        {
            long first = Enumerable.Range(0, 400).Count(_ => (stream.NextUInt64() & 1) == 0);
            alarms += SampleRatio.Of([first, 400 - first], [1, 1]).PValue < SampleRatio.Alarm ? 1 : 0;
        }

        alarms.ShouldBeInRange(3, 40);
    }

    [Fact]
    public void A_change_of_the_shares_is_compared_step_by_step_with_its_own_weights()
    {
        // 10 % of the customers on the first day, 50 % on the second: each day is right, the sum against either plan is not.
        SampleRatio.Of([9_000, 1_020], [9, 1]).PValue.ShouldBeGreaterThan(0.1);
        SampleRatio.Of([5_010, 4_990], [1, 1]).PValue.ShouldBeGreaterThan(0.1);
        SampleRatio.Of([14_010, 6_010], [1, 1]).PValue.ShouldBeLessThan(SampleRatio.Alarm);
    }
}
