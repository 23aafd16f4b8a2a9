using System.Text;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Lift;
using Pimm.Web.Lift;
using Pimm.Web.Plots;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

public sealed class LiftReportTests(WebFixture web)
{
    [Fact]
    public async Task Every_number_of_the_report_stands_on_the_page_with_its_interval_and_its_limits()
    {
        var stored = (await web.Services.GetRequiredService<LiftStore>().NewestAsync(web.Campaign))!;
        var report = LiftReport.FromJson(stored.Report);
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{web.Campaign}/results");

        foreach (var number in report.Numbers)
        {
            var row = page.Page.Locator(".numbers tbody tr", new() { Has = page.Page.GetByText(number.Name, new() { Exact = true }) });
            await Expect(row).ToContainTextAsync(LiftFormat.Value(number.Estimate, number.Unit));
            await Expect(row).ToContainTextAsync(LiftFormat.Interval(number.Lower, number.Upper, number.Unit));
            await Expect(row).ToContainTextAsync(number.CannotShow);
            (await row.Locator("svg.forest").GetAttributeAsync("aria-label")).ShouldStartWith(number.Name);
        }

        await Expect(page.Page.Locator("h1 .badge")).ToHaveTextAsync("simulated");
        await Expect(page.Page.Locator(".forest-truth").First).ToBeVisibleAsync();
        await Expect(page.Page.Locator("table[aria-label=Waves] tbody tr")).ToHaveCountAsync(3);
        await Expect(page.Page.Locator("table[aria-label='Funnel by arm'] tbody tr")).ToHaveCountAsync(report.Funnel.Count);
        await Expect(page.Page.Locator(".verdict p").First).ToHaveTextAsync(report.Verdict!.Sentence);
        var waves = page.Page.Locator("table[aria-label=Waves]");
        await Expect(waves).ToBeHiddenAsync();
        await page.Page.EvaluateAsync("dispatchEvent(new Event('beforeprint'))");
        await Expect(waves).ToBeVisibleAsync();
        await page.Page.EvaluateAsync("dispatchEvent(new Event('afterprint'))");
        await Expect(waves).ToBeHiddenAsync();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Every_table_of_the_results_is_saved_as_a_file_and_the_drawn_ones_as_a_picture_too()
    {
        var report = LiftReport.FromJson((await web.Services.GetRequiredService<LiftStore>().NewestAsync(web.Campaign))!.Report);
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{web.Campaign}/results");

        (await page.Page.Locator("main table").CountAsync()).ShouldBe(await page.Page.Locator("main [data-figure] table").CountAsync(), "a table that cannot be saved");
        var number = report.Numbers.First(one => one.Unit == LiftFormat.PerThousand);
        var csv = Encoding.UTF8.GetString(await SavedAsync(page, "lift-numbers-per-thousand", "csv")).Split("\r\n");
        csv[0].ShouldStartWith("\"Per 1,000 impressions\",Estimate,95 % interval");
        csv.ShouldContain(line => line.StartsWith(number.Name, StringComparison.Ordinal) || line.StartsWith($"\"{number.Name}", StringComparison.Ordinal));
        csv.Length.ShouldBe(2 + report.Numbers.Count(one => one.Unit == LiftFormat.PerThousand), "its axis is no row");
        await page.Page.ClickAsync("details.fold > summary");
        var waves = Encoding.UTF8.GetString(await SavedAsync(page, "lift-waves", "csv")).Split("\r\n");
        waves[0].ShouldBe("Wave,Window,Impressions in each arm,Treatment,Treatment,Treatment,Control,Control,Control");
        waves[1].Split(',').Length.ShouldBe(9);
        var svg = XDocument.Parse(Encoding.UTF8.GetString(await SavedAsync(page, "lift-numbers-per-thousand", "svg"))).Root!;
        svg.Elements().Where(part => part.Name.LocalName == "text").Select(part => part.Value).ShouldContain(number.Name);
        svg.Descendants().Where(part => part.Name.LocalName == "path").ShouldNotBeEmpty();
        (await SavedAsync(page, "lift-numbers-per-thousand", "png")).Take(4).ShouldBe(new byte[] { 0x89, 0x50, 0x4e, 0x47 });
        page.ShouldBeQuiet();
    }

    private static async Task<byte[]> SavedAsync(WatchedPage page, string figure, string kind)
    {
        var download = await page.Page.RunAndWaitForDownloadAsync(() => page.Page.ClickAsync($"[data-figure='{figure}'] [data-figure-save={kind}]"));
        download.SuggestedFilename.ShouldBe($"{figure}.{kind}");
        return await File.ReadAllBytesAsync(await download.PathAsync());
    }

    [Fact]
    public async Task The_days_are_drawn_and_described_above_their_table()
    {
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{web.Campaign}/results");

        var chart = page.Page.Locator("section[aria-labelledby=days-title] svg[role=img]");
        (await chart.GetAttributeAsync("aria-label"))!.ShouldContain("On the last day");
        (await chart.Locator(".plot-line").First.GetAttributeAsync("d"))!.Split('L').Length.ShouldBeGreaterThan(2);
        await page.Page.Locator("section[aria-labelledby=days-title] summary").ClickAsync();
        await Expect(page.Page.Locator("table[aria-label=Days] tbody tr").First).ToBeVisibleAsync();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_campaign_without_a_report_says_what_it_needs()
    {
        var idle = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Not measured");
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{idle}/results");

        await Expect(page.Page.Locator(".empty h2")).ToHaveTextAsync("The lift is not measured yet");
    }

    [Theory]
    [InlineData(1.2345, LiftFormat.PerThousand, "+1.23")]
    [InlineData(-0.001, LiftFormat.PerThousand, "0.00")]
    [InlineData(-0.29, LiftFormat.Relative, "−29.0\u00a0%")]
    [InlineData(1.5, LiftFormat.Ratio, "1.50\u00a0×")]
    [InlineData(double.NegativeInfinity, LiftFormat.Ratio, "−∞")]
    [InlineData(null, LiftFormat.Relative, "–")]
    public void A_number_is_written_in_its_unit(double? value, string unit, string expected) => LiftFormat.Value(value, unit).ShouldBe(expected);

    [Fact]
    public void The_scale_holds_every_finite_value_and_no_difference()
    {
        var scale = PlotScale.Around([3.0, 9.0, double.PositiveInfinity, null], 10, 350, 0);

        scale.At(0).ShouldBeLessThan(scale.At(3));
        scale.At(9).ShouldBeLessThan(350);
        scale.At(1e9).ShouldBe(scale.At(double.MaxValue));
        scale.Ticks.ShouldContain(0);
        scale.Ticks.Count.ShouldBeInRange(3, 8);
    }
}
