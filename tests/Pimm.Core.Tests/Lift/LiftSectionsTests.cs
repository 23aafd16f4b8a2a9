using Pimm.Core.Allocating;
using Pimm.Core.Lift;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Lift;

public sealed class LiftSectionsTests
{
    private static readonly LiftInput Campaign = HandMadeCampaign.Of(
        1000, 200, 20, (arm, i) => i % (i >= 200 ? 50 : arm == Arm.Control ? 10 : 2) == 0 ? 1 + i % 20 : null, (arm, i) => i % 20 == 0 ? null : 100 + i);

    [Fact]
    public void Stages_are_shares_of_the_exported_with_the_interval_of_delivered_lift()
    {
        LiftReport report = LiftReporter.Report(Campaign with { Funnel = [new FunnelCount("click", 40, 60)] });
        report.Stages!.Select(stage => stage.Stage).ShouldBe(["delivered", "click", "core conversion by any route"]);
        LiftStage click = report.Stages![1];
        (click.ControlRate, click.TreatmentRate).ShouldBe((0.2, 0.3));
        Estimate lift = ProportionComparison.RelativeLift(new Proportion(200, 40), new Proportion(200, 60));
        (click.Lift.Lower, click.Lift.Upper).ShouldBe((lift.Lower, lift.Upper));
        report.Stages![2].Lift.Estimate.ShouldBe(report.Number(LiftKeys.DeliveredLift).Estimate);
    }

    [Fact]
    public void Days_add_up_to_the_headline_and_follow_the_campaigns_zone()
    {
        LiftReport report = LiftReporter.Report(Campaign);
        IReadOnlyList<LiftDay> days = report.Days!.Days;
        days[0].Date.ShouldBe(new DateOnly(2026, 5, 4));
        (days.Sum(day => day.ControlOnDay), days.Sum(day => day.TreatmentOnDay)).ShouldBe((report.Sequential.ControlConversions, report.Sequential.TreatmentConversions));
        LiftNumber extra = report.Number(LiftKeys.Extra);
        (days[^1].Estimate, days[^1].Lower, days[^1].AlwaysLower).ShouldBe((extra.Estimate, extra.Lower, extra.AlwaysValid!.Lower));
        for (int day = 1; day < days.Count; day++)
            days[day].Treatment.ShouldBe(days[day - 1].Treatment + days[day].TreatmentOnDay);
        // Midnight in London is eight in the morning in Shanghai and five in the afternoon of the day before in Los Angeles.
        LiftReporter.Report(Campaign with { TimeZone = "America/Los_Angeles" }).Days!.Days[0].Date.ShouldBe(new DateOnly(2026, 5, 3));
    }

    [Fact]
    public void Amounts_are_compared_over_all_eligible_customers_with_zeros()
    {
        LiftReport report = LiftReporter.Report(Campaign);
        double[] control = [.. Campaign.Customers.Where(c => c.Arm == Arm.Control).Select(c => c.Amount ?? 0)];
        double[] treatment = [.. Campaign.Customers.Where(c => c.Arm == Arm.Treatment).Select(c => c.Amount ?? 0)];
        report.Amount!.ControlMean!.Value.ShouldBe(control.Average(), 1e-9);
        LiftNumber extra = report.Amount.Numbers.Single(number => number.Key == LiftKeys.Amount);
        extra.Estimate!.Value.ShouldBe(1000.0 * 1000 / 200 * (treatment.Average() - control.Average()), 1e-6);
        extra.Adjusted.ShouldNotBeNull();
        LiftNumber relative = report.Amount.Numbers.Single(number => number.Key == LiftKeys.AmountLift);
        relative.Estimate!.Value.ShouldBe(treatment.Average() / control.Average() - 1, 1e-9);
        // Some thirty customers of a thousand decide the control's mean, so the delta method's interval would be too even.
        relative.Method.ShouldBe("fieller");
        LiftAmount none = LiftReporter.Report(Campaign with { Customers = [.. Campaign.Customers.Select(c => c with { Amount = null })] }).Amount!;
        (none.Numbers.Count, none.ControlMean).ShouldBe((0, null));
        none.Note.ShouldStartWith("No outcome came with an amount");
    }

    [Fact]
    public void Segments_add_up_to_the_headline_and_share_one_family_of_tests()
    {
        string[] names = Enumerable.Range(0, Campaign.Customers.Count).Select(i => i % 1000 % (i < 1000 ? 2 : 3) == 0 ? "young" : "old").ToArray();
        LiftInput input = Campaign with { Segments = [SegmentColumn.OfTexts("age", names), SegmentColumn.OfNumbers("place", Campaign.Customers.Select((_, i) => (double)(i % 1000)).ToArray())] };
        LiftReport report = LiftReporter.Report(input);
        report.Segments!.Count.ShouldBe(2);
        LiftSegment age = report.Segments[0];
        age.Levels.Sum(level => level.Extra.Estimate!.Value).ShouldBe(report.Number(LiftKeys.Extra).Estimate!.Value, 1e-9);
        age.Levels.Sum(level => level.TreatmentConversions).ShouldBe(116);
        LiftSegmentLevel[] all = [.. report.Segments.SelectMany(segment => segment.Levels)];
        double[] holm = Multiplicity.Holm([.. all.Select(level => level.PValue!.Value)]);
        all.Select(level => level.PHolm!.Value).ShouldBe(holm);
        // Only the first fifth of the list was exported, so only there the arms differ: the levels are not alike.
        report.Segments[1].PValue!.Value.ShouldBeLessThan(1e-6);
        report.Segments[1].Levels[2].Note.ShouldBe("fewer than 10 conversions in an arm");
    }

    [Fact]
    public void Cochrans_q_is_that_of_its_formula()
    {
        // Levels a: 20 and 40 of 500; b: 30 and 30 of 500. Pooled rates 0.06 both: V = 0.06·0.94·(2/500), d = 0.04 and 0; Q = 2·0.02²/V.
        LiftInput input = HandMadeCampaign.Of(1000, 200, 0, (arm, i) => (i < 500 ? i < (arm == Arm.Control ? 20 : 40) : i < 530) ? 2 : null);
        input = input with { Segments = [SegmentColumn.OfTexts("half", input.Customers.Select((_, i) => (string?)(i % 1000 < 500 ? "a" : "b")).ToArray())] };
        LiftSegment half = LiftReporter.Report(input).Segments!.Single();
        half.Heterogeneity!.Value.ShouldBe(2 * 0.02 * 0.02 / (0.06 * 0.94 * 2 / 500), 1e-9);
        half.Degrees.ShouldBe(1);
    }

    [Fact]
    public void Levels_are_the_most_frequent_texts_and_terciles_of_numbers()
    {
        SegmentColumn many = SegmentColumn.OfTexts("fund", Enumerable.Range(0, 400).Select(i => (string?)$"f{Math.Min(i % 20, 19)}").Append(null).ToArray());
        many.Levels.Count.ShouldBe(12);
        many.Levels[^1].ShouldBe("other");
        many.LevelOf[19].ShouldBe(11);
        SegmentColumn thirds = SegmentColumn.OfNumbers("age", [.. Enumerable.Range(1, 9).Select(i => (double)i), double.NaN]);
        thirds.Levels.ShouldBe(["up to 3", "above 3 to 6", "above 6", "missing"]);
        thirds.LevelOf.ShouldBe([0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
        SegmentColumn.OfNumbers("tier", [1, 1, 1, 1, 2]).Levels.ShouldBe(["up to 1", "above 1"]);
        SegmentColumn.OfNumbers("one", [4, 4]).Levels.ShouldBe(["4"]);
    }

    [Fact]
    public void A_level_that_is_called_other_joins_the_rarest()
    {
        SegmentColumn column = SegmentColumn.OfTexts("fund", Enumerable.Range(0, 400).Select(i => (string?)(i % 20 == 3 || i > 390 ? "other" : $"f{i % 20}")).ToArray());
        column.Levels.Count.ShouldBe(12);
        column.Levels.Count(level => level == "other").ShouldBe(1);
        column.LevelOf[3].ShouldBe(11);
        column.LevelOf.ShouldAllBe(level => level >= 0 && level < 12);
    }

    [Fact]
    public void The_last_day_is_the_one_before_a_window_that_closes_at_midnight()
    {
        LiftReport report = LiftReporter.Report(HandMadeCampaign.Of(1000, 200, 20, (_, i) => i % 10 == 0 ? i % 100 == 0 ? 30 : 3 : null));
        report.Windows.Closes.ShouldBe(new DateTimeOffset(2026, 6, 3, 0, 0, 0, TimeSpan.Zero));
        report.Days!.Days[^1].Date.ShouldBe(new DateOnly(2026, 6, 2));
        report.Days.Days[^1].ControlOnDay.ShouldBe(10);
        report.Days.Days[^1].Control.ShouldBe(report.Sequential.ControlConversions);
    }

    [Fact]
    public void Outcomes_after_the_reports_time_are_counted_as_left_out_and_nowhere_else()
    {
        LiftReport report = LiftReporter.Report(HandMadeCampaign.Of(1000, 200, 20, (_, i) => i % 10 == 0 ? i % 20 == 0 ? 12 : 3 : null, days: 10));
        report.Sequential.ControlConversions.ShouldBe(50);
        report.Windows.Waves[0].Control.ExportedConversions.ShouldBe(10);
        report.Days!.Days[^1].Control.ShouldBe(50);
        report.Exclusions!.Single(exclusion => exclusion.What == "conversions after the report").Control.ShouldBe(50);
    }

    [Fact]
    public void The_note_on_divergent_delivery_says_how_different_the_arms_customers_are()
    {
        LiftReport report = LiftReporter.Report(Campaign);
        (report.Divergence!.ControlOverlap, report.Divergence.TreatmentOverlap).ShouldBe((0.5, 0.5));
        report.Divergence.ControlScoreDifference!.Value.ShouldBe(0, 1e-9);
        report.Divergence.Sentence.ShouldContain("50 % (control)");
        report.Divergence.Sentence.ShouldContain("not what its impressions cause");
    }

    [Fact]
    public void Always_valid_bounds_are_the_estimate_with_the_mixtures_multiplier_on_the_clock_of_conversions()
    {
        LiftNumber extra = LiftReporter.Report(Campaign).Number(LiftKeys.Extra);
        // 36 and 116 conversions, planned 100: eq. 14 of Howard et al. 2021 with ρ² = (−2 ln α + ln(1 − 2 ln α))/100.
        extra.AlwaysValid!.Conversions.ShouldBe(152);
        double rho = (-2 * Math.Log(0.05) + Math.Log(1 - 2 * Math.Log(0.05))) / 100, x = rho * 152;
        double multiplier = Math.Sqrt((1 + 1 / x) * (Math.Log(1 + x) - 2 * Math.Log(0.05)));
        extra.AlwaysValid.Multiplier!.Value.ShouldBe(multiplier, 1e-9);
        extra.AlwaysValid.Upper!.Value.ShouldBe(extra.Estimate!.Value + multiplier * extra.StandardError!.Value, 1e-9);
        LiftNumber apart = LiftReporter.Report(Campaign).Number(LiftKeys.Disagreement);
        apart.AlwaysValid!.Conversions.ShouldBeLessThan(152);
    }

    [Fact]
    public void Below_ten_conversions_in_an_arm_there_is_no_always_valid_interval()
    {
        LiftReport few = LiftReporter.Report(HandMadeCampaign.Of(1000, 200, 20, (arm, i) => i < (arm == Arm.Control ? 9 : 30) ? 2 : null));
        few.Number(LiftKeys.Extra).AlwaysValid!.Lower.ShouldBeNull();
        few.Number(LiftKeys.Extra).AlwaysValid!.Note.ShouldNotBeNull();
        LiftNumber enough = LiftReporter.Report(Campaign).Number(LiftKeys.Extra);
        enough.AlwaysValid!.Lower!.Value.ShouldBeLessThan(enough.Lower!.Value);
    }

    [Fact]
    public void Without_a_plan_the_intervals_that_hold_at_every_look_use_a_fixed_scale()
    {
        LiftReport without = LiftReporter.Report(Campaign with { PlannedConversions = null });
        LiftReport with = LiftReporter.Report(Campaign with { PlannedConversions = SequentialCounts.DefaultPlannedConversions });
        without.Sequential.ShouldBe(with.Sequential);
        without.Sequential.PlannedConversions.ShouldBe(400);
        without.Sequential.Lower.ShouldNotBeNull();
        without.Number(LiftKeys.Extra).AlwaysValid.ShouldBe(with.Number(LiftKeys.Extra).AlwaysValid);
        without.Number(LiftKeys.EligibleLift).AlwaysValid!.Lower.ShouldNotBeNull();
        without.Days!.Days[^1].AlwaysLower.ShouldNotBeNull();
    }
}
