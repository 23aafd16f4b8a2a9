using Pimm.Core.Allocating;
using Pimm.Core.Lift;
using Pimm.Core.Outcomes;
using Pimm.Core.Tests.Lift;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Customers who are in both arms of two campaigns count for neither: they are left out, counted, and their number is checked by arm.</summary>
public sealed class Mistake05CustomersInBothArms
{
    private static readonly LiftInput Everybody = HandMadeCampaign.Of(1000, 200, 20, (arm, i) => i < 200 && i % (arm == Arm.Control ? 10 : 2) == 0 ? 3 : null);

    [Fact]
    public void Customers_reached_in_both_arms_are_left_out_and_counted_and_do_not_look_like_unequal_impressions()
    {
        // 4 of the control's exported and 6 of the treatment's are in the other arm of another campaign that plans to reach them too.
        LiftCustomer[] left = [.. Everybody.Customers.Where((c, i) => i % 1000 >= (c.Arm == Arm.Control ? 4 : 6))];
        LiftReport report = LiftReporter.Report(Everybody with { Customers = left, InBothArms = new ArmCounts(4, 6), ExportsLeftOut = [new ArmCounts(4, 6)] });
        report.Exclusions!.Single(e => e.What == "customers in both arms").Sentence
            .ShouldBe("10 (4 control, 6 treatment) customers are in the other arm of another campaign at the same time, and a plan of each would reach them: left out of every number.");
        report.Funnel[0].ShouldBe(new LiftFunnelStage("eligible", 996, 994, null, null));
        report.Checks.ShouldAllBe(check => !check.Alarm);
        LiftReporter.Report(Everybody with { Customers = left, InBothArms = new ArmCounts(4, 6) }).Checks.Single(c => c.Name == "impressions").Alarm.ShouldBeTrue();
    }

    [Fact]
    public void Leaving_out_one_in_a_hundred_of_the_eligible_turns_the_verdict_off()
    {
        LiftInput rest = Everybody with { Customers = [.. Everybody.Customers.Where((_, i) => i % 1000 < 990)] };
        LiftCheck few = Check(rest with { InBothArms = new ArmCounts(9, 10) }), many = Check(rest with { InBothArms = new ArmCounts(10, 10) });
        (few.Alarm, many.Alarm).ShouldBe((false, true));
        few.Sentence.ShouldBe("19 customers in both arms are left out, 0.95 % of the eligible; too few to change what is measured.");
        many.Sentence.ShouldBe("20 customers in both arms are left out, 1 % of the eligible; that many change what is measured.");

        static LiftCheck Check(LiftInput input) => LiftReporter.Report(input).Checks.Single(check => check.Name == "left out");
    }

    [Fact]
    public void Many_more_in_both_arms_on_one_side_turn_the_verdict_off()
    {
        LiftReport report = LiftReporter.Report(Everybody with { Anomalies = new DeliveryAnomalies(0, 0, 0, 0, 90, 0, 90) });
        report.Verdict!.Status.ShouldBe("unhealthy");
        report.Checks.Where(check => check.Alarm).Select(check => check.Name).ShouldBe(["reached by another campaign too", "in both arms"]);
        LiftReporter.Report(Everybody with { Anomalies = new DeliveryAnomalies(5, 7, 3, 20, 20, 2, 3) }).Checks.ShouldAllBe(check => !check.Alarm);
    }

    [Fact]
    public void Deliveries_to_customers_who_were_not_exported_are_counted_and_explained()
    {
        LiftReport report = LiftReporter.Report(Everybody with { Anomalies = new DeliveryAnomalies(5, 7, 3, 0, 0, 0, 0) });
        report.Exclusions!.Select(e => e.Sentence).ShouldBe(
        [
            "12 (5 control, 7 treatment) deliveries went to customers whom that wave did not export: not counted as delivered.",
            "3 deliveries went to customers who have no arm: not counted.",
        ]);
        LiftReportText.Render(report).ShouldContain("Left out and counted");
    }
}
