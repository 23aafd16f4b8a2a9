using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Simulating;
using Pimm.Core.Statistics;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Lift;

public sealed class LiftReporterTests
{
    private static readonly DateTimeOffset Start = new(2026, 5, 4, 6, 0, 0, TimeSpan.Zero);
    private static readonly SimulatedCampaignOptions Small = new() { Eligible = 60_000, Waves = 3, Impressions = 1_000, DeliveryShare = 0.9 };
    private static readonly MarketCustomer[] Population = MarketCustomer.DrawMany(8, 0, Small.Eligible);
    private static readonly LiftInput KnownLift = SimulatedCampaign.Run(MarketWorld.KnownLift, 8, Small);

    /// <summary>Two waves; in each arm 400 customers, the first 40 exported in wave 0, the next 10 held back there, 20 exported in wave 1.</summary>
    private static LiftInput ByHand(Func<Arm, int, double?> convertedOnDay)
    {
        var customers = new List<LiftCustomer>();
        foreach (Arm arm in new[] { Arm.Control, Arm.Treatment })
            for (int i = 0; i < 400; i++)
            {
                PlannedAction own = i < 40 ? new(WaveAction.Exported, 0) : i < 50 ? new(WaveAction.HeldBack, 0) : i < 70 ? new(WaveAction.Exported, 1) : default;
                PlannedAction other = i < 20 ? own : i < 350 ? default : new(WaveAction.Exported, 1);
                customers.Add(new LiftCustomer(arm, 0.01 * (i % 7), 0.02 * (i % 5), convertedOnDay(arm, i) is { } day ? Start.AddDays(day) : null, own,
                    Delivered: true, arm == Arm.Control ? own : other, arm == Arm.Control ? other : own));
            }
        return new LiftInput
        {
            Campaign = "Spring funds", AsOf = Start.AddDays(40), CampaignStart = Start, Window = TimeSpan.FromDays(30), Customers = customers,
            Waves = [new LiftWave(new DateOnly(2026, 5, 4), Start, 40, 40), new LiftWave(new DateOnly(2026, 5, 5), Start.AddDays(1), 20, 20)],
        };
    }

    [Fact]
    public void Every_clock_counts_what_it_should()
    {
        // Treatment only: 0 converts before the campaign, 1 on day 30.5 (after its own wave's window, within the eligible one),
        // 2 on day 5, 41 (held back) on day 3, 55 (wave 1) on day 0.5 (before its wave), 360 (only the other plan, wave 1) on day 0.5, 361 on day 2.
        LiftReport report = LiftReporter.Report(ByHand((arm, i) => arm == Arm.Control ? null : i switch
        {
            0 => -1, 1 => 30.5, 2 => 5, 41 => 3, 55 => 0.5, 360 => 0.5, 361 => 2, 399 => 31.1, _ => null,
        }));
        report.Sequential.TreatmentConversions.ShouldBe(6);
        LiftWaveArm first = report.Windows.Waves[0].Treatment;
        (first.Exported, first.ExportedConversions, first.HeldBack, first.HeldBackConversions).ShouldBe((40, 1, 10, 1));
        report.Windows.Waves[1].Treatment.ExportedConversions.ShouldBe(0);
        double perThousand = 1000.0 * 400 / 60;
        report.Number(LiftKeys.Extra).Estimate!.Value.ShouldBe(perThousand * 6 / 400, 1e-9);
        // Plans agree on 0–19; of those apart, 41 counts from wave 0, 361 from wave 1; 55 and 360 converted before wave 1.
        report.Number(LiftKeys.Disagreement).Estimate!.Value.ShouldBe(perThousand * 2 / 400, 1e-9);
    }

    [Fact]
    public void The_report_reads_as_the_verified_files_say()
    {
        LiftReport report = LiftReporter.Report(KnownLift with
        {
            CountChecks = [new CountCheck("outcome linked", new Proportion(29_900, 29_880), new Proportion(30_000, 29_978))],
            Funnel = [new FunnelCount("clicked", 80, 91)],
            NewestOutcome = KnownLift.AsOf.AddDays(-1),
            Segments = [SegmentColumn.OfTexts("device", Population.Select(c => (string?)$"d{c.Device}").ToArray()), SegmentColumn.OfNumbers("age", Population.Select(c => c.Age).ToArray())],
            Guardrails = [new Guardrail(Guardrail.DeliveryRate, 0.02), new Guardrail("clicked", 0.1), new Guardrail(Guardrail.Amount, 0.05)],
            TimeZone = "Asia/Shanghai",
        });
        report = report with { Origin = new LiftOrigin(1, 7, "ada", "1.0", new LiftIntake(2, 600)) };
        VerifiedFile.ShouldMatch(LiftReportText.Render(report), "LiftReport.verified.txt");
        VerifiedFile.ShouldMatch(report.ToJson() + "\n", "LiftReport.verified.json");
        LiftReport.FromJson(report.ToJson()).ToJson().ShouldBe(report.ToJson());
    }

    [Fact]
    public void The_verdict_waits_for_the_window_and_is_off_under_an_alarm()
    {
        LiftReporter.Report(KnownLift with { AsOf = KnownLift.Waves[^1].Start.AddDays(29.9) }).Verdict!.Status.ShouldBe("keep-running");
        LiftVerdict ship = LiftReporter.Report(KnownLift).Verdict!;
        ship.Status.ShouldBe("ship");
        LiftVerdict off = LiftReporter.Report(KnownLift with { CountChecks = [new CountCheck("outcome linked", new Proportion(10_000, 9_000), new Proportion(10_000, 9_900))] }).Verdict!;
        off.Status.ShouldBe("unhealthy");
        off.Sentence.ShouldContain("outcome linked");
        LiftReporter.Report(ByHand((_, i) => i % 50 == 0 ? 2 : null)).Verdict!.Status.ShouldBe("cannot-tell");
        LiftReporter.Report(ByHand((arm, i) => arm == Arm.Control ? i < 60 ? 2 : null : i is >= 350 and < 362 ? 2 : null)).Verdict!.Status.ShouldBe("roll-back");
    }

    [Fact]
    public void The_verdict_waits_for_the_last_planned_day_even_when_no_wave_was_published_on_it()
    {
        LiftInput input = KnownLift with { AsOf = KnownLift.CampaignStart.AddDays(200), Ends = KnownLift.CampaignStart.AddDays(300) };
        LiftReporter.Report(input).Verdict!.Status.ShouldBe("keep-running");
        LiftReporter.Report(input with { Ends = KnownLift.CampaignStart.AddDays(150) }).Verdict!.Status.ShouldBe("ship");
    }

    [Fact]
    public void Outcomes_last_taken_in_before_the_windows_closed_turn_the_verdict_off()
    {
        LiftInput closed = KnownLift with { AsOf = KnownLift.CampaignStart.AddDays(200), NewestOutcome = KnownLift.CampaignStart.AddDays(199) };
        LiftReporter.Report(closed with { OutcomesReceived = KnownLift.CampaignStart.AddDays(10) }).Verdict!.Status.ShouldBe("unhealthy");
        LiftReporter.Report(closed with { OutcomesReceived = KnownLift.CampaignStart.AddDays(199) }).Verdict!.Status.ShouldBe("ship");
    }

    [Fact]
    public void Small_differences_and_single_low_values_of_p_raise_no_alarm()
    {
        CountCheck[] slight = [new CountCheck("outcome linked", new Proportion(10_000_000, 500_000), new Proportion(10_000_000, 502_000))];
        LiftReporter.Report(KnownLift with { CountChecks = slight }).Checks.ShouldAllBe(check => !check.Alarm);
        CountCheck[] many = Enumerable.Range(0, 50).Select(i => new CountCheck($"segment {i}", new Proportion(10_000, 500), new Proportion(10_000, i == 7 ? 605 : 500))).ToArray();
        TwoByTwo.PValue(many[7].Control, many[7].Treatment)!.Value.ShouldBeLessThan(0.002);
        LiftReporter.Report(KnownLift with { CountChecks = many }).Checks.ShouldAllBe(check => !check.Alarm);
        LiftReporter.Report(KnownLift with { ArmsChanged = 1 }).Checks.Count(check => check.Alarm).ShouldBe(1);
        LiftReporter.Report(KnownLift with { SplitMethod = SplitMethod.PermutedBlocks, BlockMismatches = 3 }).Verdict!.Status.ShouldBe("unhealthy");
    }

    [Fact]
    public void What_cannot_be_computed_is_null_with_a_note_and_delivered_lift_stays()
    {
        LiftReport noFeed = LiftReporter.Report(KnownLift with { HasCustomerOutcomes = false });
        noFeed.Numbers.Where(n => n.Key != LiftKeys.DeliveredLift).ShouldAllBe(n => n.Estimate == null && n.Note != null);
        noFeed.Number(LiftKeys.DeliveredLift).Estimate.ShouldNotBeNull();
        LiftReporter.Report(KnownLift with { ModelsFrozen = false }).Number(LiftKeys.Disagreement).Note!.ShouldContain("newest champion");
        LiftCustomer[] altered = KnownLift.Customers.ToArray();
        int exported = Array.FindIndex(altered, c => c.Actual.Action == WaveAction.Exported);
        altered[exported] = altered[exported] with { Actual = default };
        LiftReporter.Report(KnownLift with { Customers = altered }).Number(LiftKeys.Disagreement).Note!.ShouldContain("1 customers");
    }

    [Fact]
    public void A_campaign_without_waves_or_outcomes_gives_a_report_without_a_single_nan()
    {
        LiftInput empty = KnownLift with { Customers = [], Waves = [], Truth = null };
        LiftInput quiet = ByHand((_, _) => null);
        foreach (LiftInput input in new[] { empty, quiet, quiet with { Customers = quiet.Customers.Take(3).ToArray() } })
        {
            string json = LiftReporter.Report(input).ToJson();
            json.ShouldNotContain("NaN");
            LiftReportText.Render(LiftReporter.Report(input)).ShouldNotContain("NaN");
        }
    }

    [Fact]
    public void Delivered_lift_is_never_adjusted_and_the_others_are()
    {
        LiftReport report = LiftReporter.Report(KnownLift);
        report.Number(LiftKeys.DeliveredLift).Adjusted.ShouldBeNull();
        foreach (string key in new[] { LiftKeys.Extra, LiftKeys.Disagreement, LiftKeys.EligibleLift, LiftKeys.IncrementTreatment })
            report.Number(key).Adjusted!.StandardError!.Value.ShouldBeLessThan(report.Number(key).StandardError!.Value * 1.2);
    }
}
