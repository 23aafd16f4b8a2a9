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
        page.ShouldBeQuiet();
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
