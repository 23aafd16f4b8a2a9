using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Tests.Lift;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>A number that moved overnight, and nobody knows who computed it from what: a report says its version, its run, who asked, its code, and what changed since the last one.</summary>
public sealed class Mistake11WhoComputedWhat
{
    private static readonly LiftInput Later = HandMadeCampaign.Of(1000, 200, 20, (arm, i) => i < 200 && i % (arm == Arm.Control ? 10 : 2) == 0 ? 1 + i % 20 : null) with
    {
        Funnel = [new FunnelCount("click", 60, 60)], Guardrails = [new Guardrail("click", 0.1)],
    };

    private static readonly LiftReport First = LiftReporter.Report(Early(Later)) with { Origin = new LiftOrigin(1, 41, "ada", "1.0", new LiftIntake(1, 50)) };

    private static readonly LiftReport Second = LiftReporter.Report(Later with { Funnel = [new FunnelCount("click", 150, 60)] }) with
    {
        Origin = new LiftOrigin(2, 57, null, "1.1", new LiftIntake(3, 121)),
    };

    private static readonly StoredLiftReport Stored = new(9, 1, First.AsOf, First.ToJson(), "1.0", First.AsOf, 1, "ada", 41, null);

    [Fact]
    public void A_version_says_what_was_taken_in_which_numbers_moved_and_what_else_changed()
    {
        LiftChanges changes = VersionChanges.Since(Stored, First, Second);
        (changes.Since, changes.AsOf, changes.Files, changes.Rows).ShouldBe((1, First.AsOf, 2L, 71L));
        LiftChange headline = changes.Numbers.Single(change => change.Key == LiftKeys.Extra);
        headline.Difference!.Value.ShouldBe(Second.Number(LiftKeys.Extra).Estimate!.Value - First.Number(LiftKeys.Extra).Estimate!.Value, 1e-9);
        changes.Sentences.ShouldBe(
        [
            "The verdict was keep-running and is roll-back.", "The code was 1.0 and is 1.1.", "The last window has closed.", "The guardrail click was open and is broken.",
        ]);
        VersionChanges.Since(Stored, First, First).Numbers.ShouldBeEmpty();
    }

    [Fact]
    public void The_text_says_who_asked_and_what_changed()
    {
        LiftReportText.Render(First).ShouldEndWith("Version 1, run 41, asked for by ada, code 1.0\n");
        string text = LiftReportText.Render(Second with { Changes = VersionChanges.Since(Stored, First, Second) });
        text.ShouldContain("Since version 1 of 2026-05-14 00:00 UTC");
        text.ShouldContain("71 outcomes taken in from 2 files and batches");
        text.ShouldEndWith("Version 2, run 57, code 1.1\n");
    }

    [Fact]
    public void A_check_that_begins_to_alarm_is_named()
    {
        LiftReport altered = LiftReporter.Report(Early(Later) with { ArmsChanged = 3 }) with { Origin = First.Origin };
        VersionChanges.Since(Stored, First, altered).Sentences.ShouldBe(["The verdict was keep-running and is unhealthy.", "The check \"arms changed\" alarms now."]);
    }

    private static LiftInput Early(LiftInput input) => input with
    {
        AsOf = HandMadeCampaign.Start.AddDays(10),
        Customers = [.. input.Customers.Select(c => c.ConvertedAt > HandMadeCampaign.Start.AddDays(10) ? c with { ConvertedAt = null } : c)],
    };
}
