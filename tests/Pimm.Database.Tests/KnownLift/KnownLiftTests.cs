using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.KnownLift;

/// <summary>All seven stages in a world whose effect one campaign can find: simulate, import, train PIMM, score, split, five waves, outcomes, lift.</summary>
public sealed class KnownLiftTests
{
    [Fact]
    public async Task The_seven_stages_find_the_effect_of_the_known_lift_world()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var pimm = await PimmInstance.StartAsync();

        var campaign = await pimm.RunDemoAsync(SyntheticCampaign.KnownLift(), cancellation);

        var stages = await pimm.Service<CampaignStore>().StagesAsync(campaign, cancellation);
        stages.Select(s => s.Stage).ShouldBe(["Importing", "Training", "Scoring", "Allocating", "Exporting", "Outcomes", "Lift"]);
        stages.ShouldAllBe(s => s.State == "done");

        var report = LiftReport.FromJson((await pimm.Service<LiftStore>().NewestAsync(campaign, cancellation))!.Report);
        var headline = report.Number(LiftKeys.Extra);
        var sharp = report.Number(LiftKeys.Disagreement);
        var truth = report.Truth!.Single(t => t.Key == LiftKeys.Extra).Truth!.Value;
        TestContext.Current.SendDiagnosticMessage(
            $"headline {headline.Estimate:0.00} ± {headline.StandardError:0.00}, z {headline.Estimate / headline.StandardError:0.00}; "
            + $"disagreement set {sharp.Estimate:0.00} ± {sharp.StandardError:0.00}, z {sharp.Estimate / sharp.StandardError:0.00}; truth {truth:0.00}");

        report.Checks.ShouldAllBe(c => !c.Alarm);
        report.Verdict!.Status.ShouldBe("ship");
        (sharp.Estimate / sharp.StandardError)!.Value.ShouldBeGreaterThan(4);
        report.Truth!.Single(t => t.Key == LiftKeys.Extra).Covered.ShouldBe(true);
        report.Truth!.Single(t => t.Key == LiftKeys.Disagreement).Covered.ShouldBe(true);
        truth.ShouldBeGreaterThan(10);
    }
}
