using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Lift;
using Pimm.Web.Lift;
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
        await page.GoAsync($"/campaigns/{web.Campaign}/lift");

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
        await page.GoAsync($"/campaigns/{web.Campaign}/lift");

        var chart = page.Page.Locator("section[aria-labelledby=days-title] img.lift-chart");
        (await chart.GetAttributeAsync("alt"))!.ShouldContain("On the last day");
        // An image that the page's security policy refused would have no size of its own.
        (await chart.EvaluateAsync<int>("image => image.decode().then(() => image.naturalWidth)")).ShouldBe(640);
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task A_campaign_without_a_report_says_what_it_needs()
    {
        var idle = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Not measured");
        await using var page = await web.OpenAsync();
        await page.GoAsync($"/campaigns/{idle}/lift");

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
        var scale = new ForestScale([3.0, 9.0, double.PositiveInfinity, null], 0);

        scale.X(0).ShouldBeLessThan(scale.X(3));
        scale.X(9).ShouldBeLessThan(ForestScale.Width);
        scale.X(1e9).ShouldBe(scale.X(double.MaxValue));
        scale.Ticks.ShouldContain(0);
        scale.Ticks.Count.ShouldBeInRange(3, 8);
    }
}
