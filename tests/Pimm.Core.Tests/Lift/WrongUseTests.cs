using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Lift;

/// <summary>What would mislead is refused, or corrected, with a sentence.</summary>
public sealed class WrongUseTests
{
    private static readonly LiftInput Campaign = HandMadeCampaign.Of(1000, 200, 20, (arm, i) => i < 200 && i % (arm == Arm.Control ? 10 : 2) == 0 ? 3 : null, (_, i) => 100 + i);

    [Fact]
    public void Unequal_impressions_turn_the_verdict_off()
    {
        LiftCustomer[] customers = [.. Campaign.Customers];
        int one = Array.FindIndex(customers, c => c.Arm == Arm.Treatment && c.Actual.Action == WaveAction.Exported);
        customers[one] = customers[one] with { Actual = default, TreatmentPlan = default, Delivered = false };
        LiftReport report = LiftReporter.Report(Campaign with { Customers = customers });
        report.Verdict!.Status.ShouldBe("unhealthy");
        report.Verdict.Sentence.ShouldContain("The arms' impressions differ in wave 1");
    }

    [Fact]
    public void A_campaign_that_was_given_far_fewer_impressions_than_planned_decides_nothing()
    {
        LiftReporter.Report(Campaign with { Waves = [Campaign.Waves[0] with { Requested = 210 }] }).Checks.Single(c => c.Name == "impressions").Alarm.ShouldBeFalse();
        LiftVerdict verdict = LiftReporter.Report(Campaign with { Waves = [Campaign.Waves[0] with { Requested = 400 }] }).Verdict!;
        verdict.Status.ShouldBe("unhealthy");
        verdict.Sentence.ShouldContain("50 % in all");
    }

    [Fact]
    public void An_arm_changed_after_launch_turns_the_verdict_off() =>
        LiftReporter.Report(Campaign with { ArmsChanged = 2 }).Verdict!.Sentence.ShouldBe(
            "No verdict: the check \"arms changed\" failed. 2 customers' stored arms were changed after the split.");

    [Fact]
    public void An_outcome_before_its_impression_is_not_the_impressions_and_is_counted()
    {
        LiftInput input = HandMadeCampaign.Of(1000, 200, 20, (arm, i) => i < 30 ? arm == Arm.Control ? 0.2 : 3 : null);
        input = input with { Waves = [input.Waves[0] with { Start = HandMadeCampaign.Start.AddDays(1) }], LabelsBeforeImpression = new ArmCounts(1, 2) };
        LiftReport report = LiftReporter.Report(input);
        report.Windows.Waves[0].Control.ExportedConversions.ShouldBe(0);
        report.Windows.Waves[0].Treatment.ExportedConversions.ShouldBe(30);
        report.Exclusions!.Select(e => (e.What, e.Control, e.Treatment)).ShouldBe([("conversions before the impression", 30, 0), ("labels before the impression", 1, 2)]);
        // They are conversions of eligible customers all the same: whoever was reached later, the arms are alike in them.
        report.Sequential.ControlConversions.ShouldBe(30);
    }

    [Fact]
    public void A_zero_baseline_gives_a_lower_bound_only_and_says_why()
    {
        LiftReport report = LiftReporter.Report(HandMadeCampaign.Of(1000, 200, 20, (arm, i) => arm == Arm.Treatment && i % 20 == 0 ? 3 : null, (_, _) => 10));
        LiftNumber lift = report.Number(LiftKeys.EligibleLift);
        (lift.Estimate, lift.Upper, lift.Method).ShouldBe((null, double.PositiveInfinity, "koopman"));
        lift.Note.ShouldBe("The control has no conversions, so the lift has a lower bound only.");
        LiftNumber amount = report.Amount!.Numbers.Single(n => n.Key == LiftKeys.AmountLift);
        (amount.Estimate, amount.Lower, amount.Note).ShouldBe((null, null, "The control's mean is zero, so the relative lift is not defined."));
        report.Amount.Numbers[0].Estimate!.Value.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void A_negative_baseline_keeps_the_sign_of_the_difference()
    {
        // Both arms lose money; the treatment loses less, so its lift is positive.
        LiftInput losing = HandMadeCampaign.Of(1000, 200, 20, (_, i) => i % 2 == 0 ? 3 : null, (arm, i) => (arm == Arm.Control ? -200 : -100) - i % 10);
        LiftAmount amount = LiftReporter.Report(losing).Amount!;
        amount.ControlMean!.Value.ShouldBeLessThan(amount.TreatmentMean!.Value);
        LiftNumber relative = amount.Numbers.Single(n => n.Key == LiftKeys.AmountLift);
        relative.Estimate!.Value.ShouldBe((amount.TreatmentMean.Value - amount.ControlMean.Value) / -amount.ControlMean.Value, 1e-12);
        relative.Estimate.Value.ShouldBeGreaterThan(0);
        (relative.Lower < relative.Estimate && relative.Estimate < relative.Upper).ShouldBeTrue();
        relative.Lower!.Value.ShouldBeGreaterThan(0);
        amount.Numbers[0].Lower!.Value.ShouldBeGreaterThan(0);
        LiftReporter.Report(losing with { Guardrails = [new Guardrail(Guardrail.Amount, 0.05)] }).Guardrails!.Single().State.ShouldBe("held");
    }

    [Fact]
    public void Amounts_that_do_not_vary_have_no_interval_and_no_nan()
    {
        LiftInput same = HandMadeCampaign.Of(100, 20, 5, (_, _) => 3, (_, _) => 50);
        LiftReport report = LiftReporter.Report(same);
        LiftNumber extra = report.Amount!.Numbers[0];
        (extra.Estimate, extra.StandardError).ShouldBe((0, 0));
        extra.Note.ShouldNotBeNullOrEmpty();
        report.ToJson().ShouldNotContain("NaN");
        LiftReportText.Render(report).ShouldNotContain("NaN");
    }

    [Fact]
    public void More_conversions_than_customers_are_refused_with_both_counts()
    {
        Should.Throw<InputException>(() => LiftReporter.Report(Campaign with { Funnel = [new FunnelCount("click", 201, 30)] })).Message
            .ShouldBe("201 impressions reached \"click\" and 200 were exported: an impression reaches a stage at most once; correct the outcome files.");
        Should.Throw<InputException>(() => new Proportion(10, 11)).Message.ShouldContain("11 conversions among 10 customers are impossible");
    }

    [Fact]
    public void Customers_whom_neither_plan_reaches_must_convert_alike()
    {
        LiftInput linked = HandMadeCampaign.Of(1000, 200, 20, (arm, i) => i >= 220 && i % 10 < (arm == Arm.Control ? 2 : 5) ? 3 : null);
        LiftReport report = LiftReporter.Report(linked);
        report.Verdict!.Status.ShouldBe("unhealthy");
        report.Verdict.Sentence.ShouldContain("reached by neither plan");
    }

    [Fact]
    public void Arms_whose_scores_differ_by_more_than_chance_turn_the_verdict_off()
    {
        LiftInput tilted = Campaign with { Customers = [.. Campaign.Customers.Select(c => c.Arm == Arm.Control ? c : c with { ControlScore = c.ControlScore + 0.01 })] };
        LiftReporter.Report(tilted).Checks.Single(c => c.Name == "balance").Alarm.ShouldBeTrue();
        LiftReporter.Report(Campaign).Checks.Single(c => c.Name == "balance").Alarm.ShouldBeFalse();
        LiftReporter.Report(Campaign with { Covariates = [new CovariateDifference("age", -0.3), new CovariateDifference("device d1", 0.05)] }).Verdict!.Sentence
            .ShouldContain("the arms differ most in age, by -0.300 standard deviations");
    }

    [Fact]
    public void A_wave_without_one_delivery_beside_others_turns_the_verdict_off()
    {
        LiftReport report = LiftReporter.Report(Campaign with { Customers = [.. Campaign.Customers.Select(c => c with { Delivered = false })] });
        report.Verdict!.Sentence.ShouldContain("No delivery was reported for wave 1");
    }

    [Fact]
    public void Guardrails_and_segments_that_cannot_be_are_refused_with_name_value_and_bound()
    {
        string Refusal(params Guardrail[] guardrails) => Should.Throw<InputException>(() => Guardrail.Check(guardrails, ["click", "conversion"])).Message;
        Refusal(new Guardrail("click", 5)).ShouldBe("The margin of guardrail \"click\" is 5: give a relative change above 0 and below 1, such as 0.05 for 5 %.");
        Refusal(new Guardrail("view", 0.1)).ShouldBe("\"view\" is no guardrail metric: choose amount, deliveryRate, coreConversion or a stage of the funnel click > conversion.");
        Refusal(new Guardrail("click", 0.1), new Guardrail("click", 0.2)).ShouldContain("name each once");
        Should.Throw<InputException>(() => LiftReporter.Report(Campaign with { Segments = [new SegmentColumn("age", ["young"], [0])] })).Message
            .ShouldBe("The attribute \"age\" has 1 values for 2000 customers; give one for each.");
    }
}
