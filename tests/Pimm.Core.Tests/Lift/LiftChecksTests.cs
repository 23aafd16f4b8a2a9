using Pimm.Core.Allocating;
using Pimm.Core.Lift;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Lift;

public sealed class LiftChecksTests
{
    private static readonly LiftInput Campaign = HandMadeCampaign.Of(1000, 200, 20, (_, i) => i % 10 == 0 ? 3 : null);

    private static LiftCheck Check(LiftInput input, string name) => LiftReporter.Report(input).Checks.Single(check => check.Name == name);

    [Fact]
    public void An_arm_without_deliveries_alarms_however_few_of_the_eligible_were_exported()
    {
        LiftInput input = HandMadeCampaign.Of(60_000, 50, 0, (_, i) => i % 100 == 0 ? 3 : null);
        LiftInput silent = input with { Customers = [.. input.Customers.Select(c => c.Arm == Arm.Control ? c : c with { Delivered = false })] };
        LiftCheck check = Check(silent, "exported and delivered, wave 1");
        check.Alarm.ShouldBeTrue();
        check.Sentence.ShouldStartWith("50 of 50 in the control, 0 of 50 in the treatment");
        Check(silent, "deliveries").Sentence.ShouldBe("No delivery was reported for wave 1 of the treatment: import the channel's file.");
        Check(silent, "deliveries").Alarm.ShouldBeTrue();
    }

    [Fact]
    public void A_wave_that_takes_nearly_all_of_the_smaller_arm_is_healthy()
    {
        LiftInput input = HandMadeCampaign.Of(5050, 4950, 0, (_, i) => i % 10 == 0 ? 3 : null);
        LiftInput unequal = input with { Customers = [.. input.Customers.Where((c, i) => c.Arm == Arm.Treatment || i < 4950)] };
        LiftReporter.Report(unequal).Checks.Where(check => check.Alarm).ShouldBeEmpty();
    }

    [Fact]
    public void A_few_exports_that_happen_not_to_be_delivered_are_no_missing_file()
    {
        LiftInput input = HandMadeCampaign.Of(1000, 2, 0, (_, i) => i % 10 == 0 ? 3 : null);
        LiftInput unlucky = input with { Customers = [.. input.Customers.Select((c, i) => c.Arm == Arm.Control ? c : c with { Delivered = false })] };
        Check(unlucky, "deliveries").Alarm.ShouldBeFalse();
    }

    [Fact]
    public void A_rare_count_alarms_where_the_arms_differ_by_a_tenth_of_its_rate()
    {
        LiftInput rare = Campaign with { CountChecks = [new CountCheck("rare", new Proportion(1_000_000, 100), new Proportion(1_000_000, 220))] };
        Check(rare, "rare").Alarm.ShouldBeTrue();
        LiftInput near = Campaign with { CountChecks = [new CountCheck("near", new Proportion(1_000_000, 100), new Proportion(1_000_000, 108))] };
        Check(near, "near").Sentence.ShouldContain("alike");
    }

    [Fact]
    public void A_difference_that_chance_does_not_explain_is_never_called_alike()
    {
        LiftInput large = Campaign with { CountChecks = [new CountCheck("large", new Proportion(10_000_000, 500_000), new Proportion(10_000_000, 506_000))] };
        LiftCheck check = Check(large, "large");
        check.Alarm.ShouldBeFalse();
        check.PValue!.Value.ShouldBeLessThan(0.001);
        check.Sentence.ShouldNotContain("alike");
        check.Sentence.ShouldContain("5 % against 5.06 %: a difference too small to matter");
    }

    [Fact]
    public void Outcomes_that_stop_turn_the_verdict_off_where_their_silence_is_improbable()
    {
        // A hundred conversions in the first two days, and then nothing.
        LiftInput stopped = HandMadeCampaign.Of(1000, 200, 20, (_, i) => i < 100 ? i * 0.02 : null) with { NewestOutcome = HandMadeCampaign.Start.AddDays(2) };
        LiftReport report = LiftReporter.Report(stopped);
        report.Verdict!.Status.ShouldBe("unhealthy");
        report.Verdict.Sentence.ShouldContain("28 days");
        Check(stopped with { AsOf = HandMadeCampaign.Start.AddDays(5) }, "freshness").Alarm.ShouldBeTrue();
        // A file a day: in an open window, two days' silence may be a file that is under way.
        Check(stopped with { AsOf = HandMadeCampaign.Start.AddDays(3.9) }, "freshness").Alarm.ShouldBeFalse();
        Check(stopped with { NewestOutcome = HandMadeCampaign.Start.AddDays(29.99) }, "freshness").Alarm.ShouldBeFalse();
    }

    [Fact]
    public void Conversions_that_thin_out_before_they_end_are_no_alarm()
    {
        // Eight a day until day 26, then two a day until day 27.5: at the earlier rate the silence that follows would be an alarm.
        LiftInput thinned = HandMadeCampaign.Of(1000, 200, 20, (_, i) => i < 100 ? i * 0.26 : i is 100 or 101 ? i - 73.5 : null)
            with { NewestOutcome = HandMadeCampaign.Start.AddDays(27.5) };
        Check(thinned, "freshness").Alarm.ShouldBeFalse();
    }

    [Fact]
    public void Silence_after_few_conversions_is_no_alarm()
    {
        LiftInput few = HandMadeCampaign.Of(1000, 200, 20, (_, i) => i < 4 ? 5 * i : null) with { NewestOutcome = HandMadeCampaign.Start.AddDays(20) };
        Check(few, "freshness").Alarm.ShouldBeFalse();
    }

    [Fact]
    public void Leaving_out_a_hundredth_of_the_eligible_turns_the_verdict_off()
    {
        LiftReporter.Report(Campaign with { InBothArms = new ArmCounts(9, 10) }).Checks.ShouldNotContain(check => check.Alarm);
        LiftVerdict verdict = LiftReporter.Report(Campaign with { InBothArms = new ArmCounts(12, 12) }).Verdict!;
        verdict.Status.ShouldBe("unhealthy");
        verdict.Sentence.ShouldContain("24 customers");
    }
}
