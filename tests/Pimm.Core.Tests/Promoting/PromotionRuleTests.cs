using Pimm.Core.Promoting;
using Pimm.Core.Statistics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Promoting;

public sealed class PromotionRuleTests
{
    private static readonly PromotingOptions Options = new();

    private static readonly PromotionRule Rule = new(Options);

    [Fact]
    public void A_refresh_as_good_with_enough_behind_it_is_promoted()
    {
        var decision = Rule.Decide(5, 4, Evidence(difference: 0), spent: 0.01);

        decision.Promotes.ShouldBeTrue();
        decision.Sentence.ShouldStartWith("Version 5 replaces version 4. Joint log loss");
        decision.Conditions.ShouldAllBe(condition => condition.Holds == true);
        decision.Alpha.ShouldBe(0.05 / 60);
        decision.Upper!.Value.ShouldBeInRange(0, decision.Margin!.Value);
        decision.PValue!.Value.ShouldBeLessThan(decision.Alpha);
    }

    [Fact]
    public void One_worse_than_the_margin_is_kept_back_and_says_by_how_much()
    {
        var decision = Rule.Decide(5, 4, Evidence(difference: 0.004), spent: 0);

        decision.Promotes.ShouldBeFalse();
        decision.Sentence.ShouldStartWith("Version 5 is kept back, version 4 stays. Joint log loss");
        decision.Sentence.ShouldContain("beyond the margin of 0.00280");
        decision.Alpha.ShouldBe(0.05 / 60);
    }

    [Fact]
    public void Too_few_positives_of_the_last_stage_keep_the_champion_and_spend_nothing()
    {
        var decision = Rule.Decide(5, 4, Evidence(difference: -0.01, last: 37), spent: 0);

        decision.Promotes.ShouldBeFalse();
        decision.Sentence.ShouldBe("Version 5 is kept back, version 4 stays. 37 core in 60,000 rows of 60,000 customers whom no model chose, below the 100 that a judgement needs.");
        decision.Alpha.ShouldBe(0);
        decision.PValue.ShouldBeNull();
        // Earlier stages are judged meanwhile.
        decision.Conditions.Single(condition => condition.Condition == "calibration of click").Holds.ShouldBe(true);
        decision.Conditions.Single(condition => condition.Condition == "calibration of core").Holds.ShouldBeNull();
    }

    [Theory]
    [InlineData(0.89, false)]
    [InlineData(0.91, true)]
    [InlineData(1.09, true)]
    [InlineData(1.11, false)]
    public void Calibration_of_every_stage_must_lie_between_the_bounds(double calibration, bool promotes)
    {
        var decision = Rule.Decide(5, 4, Evidence(difference: 0, calibration: calibration), spent: 0);

        decision.Promotes.ShouldBe(promotes);
        decision.Alpha.ShouldBeGreaterThan(0);
        if (!promotes)
        {
            decision.Sentence.ShouldContain(FormattableString.Invariant($"core is predicted {calibration:0.000} times as often as it happened, outside 0.9 to 1.1."));
        }
    }

    [Fact]
    public void A_remark_about_the_rows_is_kept_with_the_conditions()
    {
        var decision = Rule.Decide(5, 4, Evidence(difference: 0) with { Remark = "Half of them are known." }, spent: 0);

        decision.Promotes.ShouldBeTrue();
        decision.Conditions[1].ShouldBe(new PromotionCondition("customers new to both", null, "Half of them are known."));
    }

    [Fact]
    public void No_more_is_spent_than_there_is()
    {
        double spent = 0;
        int compared = 0;
        for (int night = 0; night < 100; night++)
        {
            var decision = Rule.Decide(night, 1, Evidence(difference: 0), spent);
            spent += decision.Alpha;
            compared += decision.Alpha > 0 ? 1 : 0;
        }

        compared.ShouldBe(60);
        spent.ShouldBe(0.05, 1e-12);
        Rule.Decide(101, 1, Evidence(difference: 0), spent).Sentence.ShouldContain("The 0.05 of the last 60 nights are spent.");
    }

    [Fact]
    public void The_losses_and_calibration_of_judged_rows_are_those_of_their_definition()
    {
        var rows = new JudgedRows(["click", "core"]);
        Guid one = new(1, 0, 0, new byte[8]), other = new(2, 0, 0, new byte[8]);
        rows.Add(one, 1, champion: [0.5f, 0.25f], version: [0.8f, 0.25f]);
        rows.Add(one, 0, champion: [0.5f, 0.25f], version: [0.5f, 0.25f]);
        rows.Add(other, 2, champion: [0.5f, 0.5f], version: [0.5f, 0.25f]);

        var evidence = rows.Evidence();

        (evidence.Rows, evidence.Customers, evidence.LastPositives).ShouldBe((3L, 2, 1L));
        evidence.Stages[0].VersionLogLoss.ShouldBe((-Math.Log(0.8) - 2 * Math.Log(0.5)) / 3, 1e-6);
        evidence.Stages[0].Calibration!.Value.ShouldBe(1.8 / 2, 1e-6);
        evidence.Stages[1].Calibration!.Value.ShouldBe(0.75, 1e-6);
        evidence.Difference!.Mean.ShouldBe((Math.Log(0.5 / 0.8) + Math.Log(2)) / 3, 1e-6);
        var (mean, error) = rows.Sums().Estimate()!.Value;
        mean.ShouldBe(evidence.Difference.Mean, 1e-12);
        // The bootstrap's has n − 1 below it.
        (error * Math.Sqrt(2)).ShouldBe(evidence.Difference.StandardError, 1e-12);
    }

    [Fact]
    public void A_setting_out_of_its_range_is_named() =>
        Should.Throw<InputException>(() => new PromotingOptions { Margin = 0 }.Validated()).Message
            .ShouldBe("The setting Promoting:Margin is 0: it must be above 0 and at most 0.2.");

    /// <summary>60,000 customers of one row whose joint log loss is 0.28 for the champion.</summary>
    private static RefreshEvidence Evidence(double difference, long last = 200, double calibration = 1.02)
    {
        var stream = new RandomStream(8);
        double[] differences = [.. Enumerable.Range(0, 60_000).Select(_ => difference + 0.06 * stream.NextNormal())];
        return new(60_000, 60_000,
            [new("click", 3_600, 0.21, 0.21 + difference, 1.01), new("core", last, 0.07, 0.07, calibration)],
            new PairedBootstrap(differences, [.. Enumerable.Repeat(1, differences.Length)]));
    }
}
