using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Lift;

/// <summary>The rule of docs/campaigns.md, line by line.</summary>
public sealed class LiftVerdictTests
{
    /// <summary>Exported customers convert: every tenth in the control, every second in the treatment.</summary>
    private static readonly LiftInput Better = HandMadeCampaign.Of(1000, 200, 20, (arm, i) => i < 200 && i % (arm == Arm.Control ? 10 : 2) == 0 ? 3 : null, (_, i) => 100 + i);

    private static LiftVerdict Of(LiftInput input) => LiftReporter.Report(input).Verdict!;

    [Fact]
    public void Nobody_exported_is_no_data()
    {
        Of(Better with { Waves = [], Customers = [] }).Status.ShouldBe("no-data");
        Of(Better with { HasCustomerOutcomes = false }).Status.ShouldBe("no-data");
        Of(HandMadeCampaign.Of(1000, 200, 20, (_, _) => null)).Sentence.ShouldBe("No data: no core conversion came in either arm.");
    }

    [Fact]
    public void An_alarm_comes_before_everything_that_was_counted()
    {
        LiftVerdict verdict = Of(Better with { ArmsChanged = 1, AsOf = HandMadeCampaign.Start.AddDays(3) });
        verdict.Status.ShouldBe("unhealthy");
        verdict.Sentence.ShouldContain("arms changed");
    }

    [Fact]
    public void Open_windows_say_how_many_days_are_left()
    {
        LiftVerdict verdict = Of(Better with { AsOf = HandMadeCampaign.Start.AddDays(12.5) });
        (verdict.Status, verdict.Days).ShouldBe(("keep-running", 18));
        verdict.Sentence.ShouldStartWith("Keep running: about 18 days");
    }

    [Fact]
    public void Closed_windows_ship_roll_back_or_cannot_tell()
    {
        Of(Better).Status.ShouldBe("ship");
        Of(Better with { Customers = Swapped(Better) }).Status.ShouldBe("roll-back");
        Of(HandMadeCampaign.Of(1000, 200, 20, (_, i) => i % 50 == 0 ? 3 : null)).Status.ShouldBe("cannot-tell");
    }

    [Fact]
    public void Cannot_tell_says_how_many_more_days_would_show_the_effect_seen()
    {
        LiftReport report = LiftReporter.Report(HandMadeCampaign.Of(1000, 200, 20, (arm, i) => i < 200 && i % 2 == 0 && i % 20 < (arm == Arm.Control ? 4 : 6) ? 3 : null));
        LiftVerdict verdict = report.Verdict!;
        verdict.Status.ShouldBe("cannot-tell");
        LiftNumber number = report.Number(LiftKeys.Disagreement);
        // One day so far; information grows with days, and 80 % power needs z = 1.95996 + 0.84162.
        double z = number.Estimate!.Value / number.StandardError!.Value, times = Math.Pow((1.959963985 + 0.841621234) / z, 2);
        verdict.Days.ShouldBe((int)Math.Ceiling(times - 1));
        verdict.Sentence.ShouldContain($"About {verdict.Days} more campaign day");
        LiftVerdict nothing = Of(HandMadeCampaign.Of(1000, 200, 20, (_, i) => i % 50 == 0 ? 3 : null));
        nothing.Days.ShouldBeNull();
        nothing.Sentence.ShouldContain("no sensible number of days");
    }

    [Fact]
    public void The_disagreement_set_decides_only_from_ten_of_its_conversions_in_each_arm()
    {
        // Those whom both plans export convert alike; of the others 30 in the treatment and few in the control.
        LiftInput Few(int control) => HandMadeCampaign.Of(1000, 200, 20, (arm, i) => i < 100 && i % 2 == 1 || i % 2 == 0 && i < (arm == Arm.Control ? 2 * control : 60) ? 3 : null);
        LiftVerdict few = Of(Few(9));
        few.Status.ShouldBe("cannot-tell");
        few.Sentence.ShouldContain("newcombe");
        LiftReporter.Report(Few(9)).Number(LiftKeys.Disagreement).Lower!.Value.ShouldBeGreaterThan(0);
        Of(Few(10)).Status.ShouldBe("ship");
    }

    [Fact]
    public void Nothing_is_decided_below_ten_conversions_in_an_arm()
    {
        LiftVerdict few = Of(HandMadeCampaign.Of(1000, 200, 20, (arm, i) => arm == Arm.Treatment && i < 30 ? 3 : null));
        few.Status.ShouldBe("cannot-tell");
        few.Sentence.ShouldBe("This campaign cannot tell the models apart: 0 core conversions in the control and 30 in the treatment, and nothing is decided below 10 in each arm.");
    }

    [Fact]
    public void A_broken_guardrail_rolls_back_what_would_ship_and_an_open_one_holds_it_back()
    {
        LiftInput broken = Better with { Funnel = [new FunnelCount("click", 150, 60)], Guardrails = [new Guardrail("click", 0.1)] };
        LiftVerdict verdict = Of(broken);
        verdict.Status.ShouldBe("roll-back");
        verdict.Sentence.ShouldStartWith("Roll back: the guardrail click is broken.");
        LiftVerdict open = Of(Better with { Funnel = [new FunnelCount("click", 60, 60)], Guardrails = [new Guardrail("click", 0.1)] });
        open.Status.ShouldBe("cannot-tell");
        open.Sentence.ShouldContain("the guardrail click is undecided");
        Of(Better with { Guardrails = [new Guardrail("page view", 0.1)] }).Sentence.ShouldContain("Nobody counts \"page view\"");
        Of(Better with { Guardrails = [new Guardrail(Guardrail.CoreConversion, 0.1)] }).Status.ShouldBe("ship");
    }

    [Fact]
    public void A_guardrail_is_held_broken_or_open_by_its_one_sided_bounds()
    {
        LiftGuardrail State(long control, long treatment, double margin) => LiftReporter.Report(
            Better with { Funnel = [new FunnelCount("click", control, treatment)], Guardrails = [new Guardrail("click", margin)] }).Guardrails!.Single();
        State(150, 150, 0.15).State.ShouldBe("held");
        State(150, 60, 0.15).State.ShouldBe("broken");
        State(60, 58, 0.05).State.ShouldBe("open");
        // Both bounds are the two-sided interval's at 90 %.
        Estimate ninety = ProportionComparison.RelativeLift(new Proportion(200, 60), new Proportion(200, 58), 0.9);
        (State(60, 58, 0.05).Lower, State(60, 58, 0.05).Upper).ShouldBe((ninety.Lower, ninety.Upper));
        State(60, 58, 0.05).Sentence.ShouldContain("undecided");
        LiftGuardrail unknown = LiftReporter.Report(Better with { Guardrails = [new Guardrail("page view", 0.1)] }).Guardrails!.Single();
        (unknown.State, unknown.Lower).ShouldBe(("open", null));
    }

    [Fact]
    public void A_guardrail_where_lower_is_better_is_held_by_a_fall_and_broken_by_a_rise()
    {
        LiftGuardrail State(long control, long treatment) => LiftReporter.Report(
            Better with { Funnel = [new FunnelCount("unsubscribe", control, treatment)], Guardrails = [new Guardrail("unsubscribe", 0.15, Guardrail.LowerIsBetter)] }).Guardrails!.Single();
        State(150, 60).State.ShouldBe("held");
        State(60, 150).State.ShouldBe("broken");
        State(60, 58).State.ShouldBe("open");
        State(60, 150).Sentence.ShouldEndWith("the margin 15.0 %.");
        State(60, 58).Direction.ShouldBe(Guardrail.LowerIsBetter);
        Guardrail.Parse("[{\"metric\": \"click\", \"margin\": 0.1}]").Single().ShouldBe(new Guardrail("click", 0.1, Guardrail.HigherIsBetter));
    }

    [Fact]
    public void Guardrails_are_judged_as_the_statistics_function_judges_non_inferiority()
    {
        foreach ((long control, long treatment) in new[] { (150L, 150L), (150, 60), (60, 58), (60, 150) })
            foreach ((string direction, GuardrailDirection way) in new[] { (Guardrail.HigherIsBetter, GuardrailDirection.MustNotFall), (Guardrail.LowerIsBetter, GuardrailDirection.MustNotRise) })
            {
                LiftGuardrail state = LiftReporter.Report(Better with
                {
                    Funnel = [new FunnelCount("click", control, treatment)], Guardrails = [new Guardrail("click", 0.15, direction)],
                }).Guardrails!.Single();
                NonInferiority judged = NonInferiority.OfLift(new Proportion(200, control), new Proportion(200, treatment), 0.15, way);
                state.PValue.ShouldBe(judged.PValue);
                state.State.ShouldBe(judged.Shown == true ? "held" : judged.Broken == true ? "broken" : "open");
                (way == GuardrailDirection.MustNotFall ? state.Lower : state.Upper).ShouldBe(judged.Bound);
                judged.Broken.ShouldBe(judged.PValue > 0.95);
            }
    }

    private static LiftCustomer[] Swapped(LiftInput input) => input.Customers.Select(c => c with
    {
        Arm = c.Arm == Arm.Control ? Arm.Treatment : Arm.Control, ControlPlan = c.TreatmentPlan, TreatmentPlan = c.ControlPlan,
    }).ToArray();
}
