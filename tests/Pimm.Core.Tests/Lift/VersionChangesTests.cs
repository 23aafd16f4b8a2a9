using Pimm.Core.Lift;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Lift;

public sealed class VersionChangesTests
{
    [Fact]
    public void A_check_that_vanished_and_one_that_changed_are_named()
    {
        LiftReport now = LiftReporter.Report(HandMadeCampaign.Of(1000, 200, 20, (_, i) => i % 10 == 0 ? 3 : null));
        LiftReport before = now with { Checks = [.. now.Checks.Select(check => check.Name == "split" ? check with { Alarm = true } : check), new LiftCheck("arms changed", null, true, ""), new LiftCheck("quiet", 1, false, "")] };
        LiftChanges changes = VersionChanges.Since(new StoredLiftReport(1, 1, now.AsOf, before.ToJson(), "1.0", now.AsOf, 1, null, null, null), before, now);
        changes.Sentences.ShouldContain("The check \"arms changed\" is no longer made; it alarmed before.");
        changes.Sentences.ShouldContain("The check \"quiet\" is no longer made.");
        changes.Sentences.ShouldContain("The check \"split\" alarms no longer.");
        changes.Sentences.ShouldNotContain(sentence => sentence.Contains("impressions"));
    }
}
