using System.Text.Json;
using Pimm.Core.Lift;
using Pimm.Core.Simulating;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Statistics.ExperimenterMistakes;

/// <summary>Results that can only be looked at get copied by hand: everything in the report is one JSON document with stable names.</summary>
public sealed class Mistake12ResultsAsText
{
    private static readonly LiftReport Report = LiftReporter.Report(
        SimulatedCampaign.Run(MarketWorld.KnownLift, 8, new SimulatedCampaignOptions { Eligible = 20_000, Waves = 2, Impressions = 400 }));

    [Fact]
    public void The_report_is_one_json_document_in_camel_case_that_reads_back_to_the_same()
    {
        using JsonDocument document = JsonDocument.Parse(Report.ToJson());
        document.RootElement.EnumerateObject().Select(part => part.Name).ShouldBe(
        [
            "campaign", "simulated", "asOf", "confidence", "windows", "verdict", "checks", "numbers", "sequential", "funnel", "truth",
            "origin", "changes", "guardrails", "stages", "amount", "days", "segments", "divergence", "exclusions",
        ], ignoreOrder: true);
        document.RootElement.GetProperty("verdict").GetProperty("status").GetString().ShouldNotBeNullOrEmpty();
        document.RootElement.GetProperty("days").GetProperty("days")[0].GetProperty("controlOnDay").GetInt64().ShouldBeGreaterThanOrEqualTo(0);
        LiftReport.FromJson(Report.ToJson()).ToJson().ShouldBe(Report.ToJson());
    }

    [Fact]
    public void Numbers_are_full_doubles_and_infinities_are_words()
    {
        JsonElement[] numbers = [.. JsonDocument.Parse(Report.ToJson()).RootElement.GetProperty("numbers").EnumerateArray()];
        numbers.Single(number => number.GetProperty("key").GetString() == LiftKeys.Extra).GetProperty("estimate").GetDouble()
            .ShouldBe(Report.Number(LiftKeys.Extra).Estimate!.Value);
        LiftReport unbounded = Report with { Numbers = [Report.Numbers[0] with { Lower = double.NegativeInfinity }] };
        unbounded.ToJson().ShouldContain("\"lower\": \"-Infinity\"");
        LiftReport.FromJson(unbounded.ToJson()).Numbers[0].Lower.ShouldBe(double.NegativeInfinity);
    }

    [Fact]
    public void A_report_of_an_earlier_version_of_the_code_is_still_read()
    {
        const string old =
            """
            {"campaign":"Old","simulated":false,"asOf":"2026-03-01T00:00:00+00:00","confidence":0.95,"windows":{"closes":null,"closed":false,"waves":[]},
             "verdict":null,"checks":[],"numbers":[{"key":"extraPerThousand","name":"Extra","shows":"","cannotShow":"","estimate":1.5,"standardError":1,
             "lower":-0.4,"upper":3.4,"method":"newcombe","unit":"per 1,000 impressions","note":null,"adjusted":null}],
             "sequential":{"controlConversions":0,"treatmentConversions":0,"plannedConversions":null,"eValue":null,"pValue":null,"lower":null,"upper":null,"reject":null,"note":null},
             "funnel":[],"truth":null}
            """;
        LiftReport report = LiftReport.FromJson(old);
        (report.Number(LiftKeys.Extra).Estimate, report.Days, report.Number(LiftKeys.Extra).AlwaysValid).ShouldBe((1.5, null, null));
        LiftReportText.Render(report).ShouldStartWith("Lift report: Old");
        LiftMarkdown.Page(report, "old").ShouldContain("# Lift of Old");
    }

    [Fact]
    public void All_campaigns_side_by_side_are_json_too()
    {
        LiftPortfolio portfolio = LiftPortfolio.Of([new CampaignReport(3, "Spring", 2, Report.ToJson())]);
        JsonElement campaign = JsonDocument.Parse(portfolio.ToJson()).RootElement.GetProperty("campaigns")[0];
        (campaign.GetProperty("campaignId").GetInt64(), campaign.GetProperty("simulated").GetBoolean()).ShouldBe((3, true));
        campaign.GetProperty("deliveredLift").GetProperty("estimate").GetDouble().ShouldBe(Report.Number(LiftKeys.DeliveredLift).Estimate!.Value);
        portfolio.ToText().ShouldContain("Spring (simulated)");
    }
}
