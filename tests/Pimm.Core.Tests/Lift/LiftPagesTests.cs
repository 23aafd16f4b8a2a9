using System.Xml.Linq;
using Pimm.Core.Allocating;
using Pimm.Core.Lift;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Lift;

public sealed class LiftPagesTests : IDisposable
{
    private static readonly LiftReport Report = LiftReporter.Report(WithSegments(HandMadeCampaign.Of(
        1000, 200, 20, (arm, i) => i % (i >= 200 ? 50 : arm == Arm.Control ? 10 : 2) == 0 ? 1 + i % 20 : null, (_, i) => 100 + i) with { Funnel = [new FunnelCount("click", 40, 60)] }));

    private readonly string _folder = Directory.CreateTempSubdirectory("pimm-lift-").FullName;

    private static LiftInput WithSegments(LiftInput input) =>
        input with { Segments = [SegmentColumn.OfTexts("age & sex", input.Customers.Select((_, i) => (string?)(i % 3 == 0 ? "<30" : "30|50")).ToArray())] };

    [Fact]
    public void A_page_has_every_figure_beside_it_with_a_title_a_description_and_a_table()
    {
        string page = Path.Combine(_folder, "spring lift.md");
        LiftMarkdown.Write(Report, page);
        string text = File.ReadAllText(page);
        string[] figures = [.. Directory.GetFiles(Path.Combine(_folder, "spring lift")).Select(file => Path.GetFileName(file)).Order()];
        figures.ShouldBe(["days.svg", "funnel.svg", "lifts.svg", "numbers.svg", "segment-1.svg"]);
        foreach (string figure in figures)
        {
            text.ShouldContain($"](spring%20lift/{figure})");
            XElement svg = XDocument.Load(Path.Combine(_folder, "spring lift", figure)).Root!;
            svg.Elements().Single(e => e.Name.LocalName == "title").Value.ShouldNotBeEmpty();
            svg.Elements().Single(e => e.Name.LocalName == "desc").Value.Length.ShouldBeGreaterThan(20);
            svg.ToString().ShouldContain("prefers-color-scheme:dark");
        }
        text.ShouldContain("| Extra core conversions per 1,000 impressions |");
        text.ShouldContain("| 30\\|50 |");
        text.ShouldContain("| 2026-05-04 |");
        text.ShouldNotContain("NaN");
    }

    [Fact]
    public void Every_line_of_the_text_fits_110_columns() =>
        LiftReportText.Render(Report).Split('\n').ShouldAllBe(line => line.Length <= 110);

    [Fact]
    public void All_campaigns_stand_side_by_side_the_simulated_and_the_unhealthy_marked()
    {
        LiftReport simulated = Report with { Simulated = true }, unhealthy = Report with { Verdict = new LiftVerdict("unhealthy", "") };
        LiftPortfolio portfolio = LiftPortfolio.Of(
            [new CampaignReport(1, "Spring", 1, Report.ToJson()), new CampaignReport(2, "Demo", 3, simulated.ToJson()), new CampaignReport(3, "Broken", 1, unhealthy.ToJson())]);
        string page = Path.Combine(_folder, "all.md");
        portfolio.Write(page);
        File.ReadAllText(page).ShouldContain("| Demo | simulated |");
        string figure = File.ReadAllText(Path.Combine(_folder, "all", "delivered-lift.svg"));
        figure.ShouldContain("Demo (sim.)");
        figure.ShouldContain("a health check failed");
        File.Exists(Path.Combine(_folder, "all", "headline.svg")).ShouldBeTrue();
        portfolio.ToText().Split('\n').ShouldAllBe(line => line.Length <= 110);
        LiftPortfolio.Of([]).ToText().ShouldStartWith("No campaign has a lift report yet");
    }

    [Fact]
    public void Campaigns_of_one_kind_are_pooled_by_how_sharp_they_are_and_open_or_unhealthy_ones_are_not()
    {
        LiftReport closed = Report with { Simulated = false, Windows = Report.Windows with { Closed = true }, Verdict = new LiftVerdict("ship", "") };
        LiftReport open = closed with { Windows = closed.Windows with { Closed = false } }, unhealthy = closed with { Verdict = new LiftVerdict("unhealthy", "") };
        CampaignReport Of(long id, LiftReport report) => new(id, $"Campaign {id}", 1, report.ToJson());
        LiftNumber number = closed.Number(LiftKeys.Extra);

        LiftPortfolio two = LiftPortfolio.Of([Of(1, closed), Of(2, closed), Of(3, open), Of(4, unhealthy), Of(5, closed with { Simulated = true })]);

        two.PooledCampaigns.ShouldBe(2);
        two.PooledHeadline!.Estimate!.Value.ShouldBe(number.Estimate!.Value, 1e-9);
        two.PooledHeadline.StandardError!.Value.ShouldBe(number.StandardError!.Value / Math.Sqrt(2), 1e-9);
        two.PooledDelivered!.Estimate!.Value.ShouldBe(closed.Number(LiftKeys.DeliveredLift).Estimate!.Value, 1e-9);
        LiftPortfolio.Of([Of(1, closed), Of(2, open)]).PooledHeadline.ShouldBeNull();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
