using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

public sealed partial class SvgChartTests
{
    private static readonly string[] Networks = ["pimm", "aitm", "shared-bottom"];

    // To look at in a browser; its bytes are reviewed when they change.
    [Fact]
    public void Points_with_error_bars_of_several_series_stand_side_by_side()
    {
        var chart = new SvgChart(
            "AUC by task", "pimm has the highest AUC of buy: 0.712.", new ChartAxis("task", Categories: ["click", "cart", "buy"]), new ChartAxis("AUC, mean and 95 % interval"),
            [.. Networks.Select((name, place) => new ChartSeries(name, SeriesStyle.Points,
                [.. Enumerable.Range(0, 3).Select(task => new ChartPoint(task, 0.7 + 0.004 * task - 0.003 * place, 0.69 + 0.004 * task - 0.003 * place, 0.71 + 0.004 * task - 0.003 * place))]))]);

        VerifiedFile.ShouldMatch(chart.ToSvg(), "PointsByCategory.verified.svg");
    }

    [Fact]
    public void Lines_over_a_logarithmic_axis_are_interrupted_where_nothing_was_measured()
    {
        var chart = new SvgChart(
            "Learning curves", "Both approach the ceiling.", new ChartAxis("training rows", Logarithmic: true), new ChartAxis("AUC"),
            [
                new("ceiling", SeriesStyle.Line, [new(100_000, 0.81), new(1_000_000, 0.81)], Quiet: true),
                new("pimm", SeriesStyle.Line, [new(100_000, 0.761), new(300_000, 0.785), new(1_000_000, 0.802)]),
                new("aitm", SeriesStyle.Line, [new(100_000, 0.75), new(200_000, 0.76), new(300_000, double.NaN), new(500_000, 0.78), new(1_000_000, 0.80)]),
            ]);

        VerifiedFile.ShouldMatch(chart.ToSvg(), "LinesOverLogarithms.verified.svg");
    }

    [Fact]
    public void Bars_begin_at_zero_and_long_names_are_turned()
    {
        string[] names = ["pimm", "aitm", "mncm", "ple", "mmoe", "esmm", "esm2", "tafe", "htlnet", "shared-bottom"];
        var chart = new SvgChart(
            "Speed", "pimm learns 210,000 rows a second.", new ChartAxis("network", Categories: names), new ChartAxis("rows a second"),
            [new("one core", SeriesStyle.Bars, [.. names.Select((_, place) => new ChartPoint(place, 210_000 - 9_000 * place))])]);

        VerifiedFile.ShouldMatch(chart.ToSvg(), "BarsByCategory.verified.svg");
    }

    [Theory]
    [InlineData(0.613, 0.688, "0.60 0.62 0.64 0.66 0.68 0.70")]
    [InlineData(0, 1, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(-3, 12, "-5 0 5 10 15")]
    [InlineData(12_000, 987_000, "0 200,000 400,000 600,000 800,000 1,000,000")]
    [InlineData(0.5, 0.5, "0.44 0.46 0.48 0.50 0.52 0.54 0.56")]
    [InlineData(0, 0, "-0.6 -0.4 -0.2 0.0 0.2 0.4 0.6")]
    [InlineData(0.00012, 0.00058, "0.0001 0.0002 0.0003 0.0004 0.0005 0.0006")]
    public void Ticks_are_round_numbers_around_the_data(double least, double most, string ticks) =>
        string.Join(' ', ChartScale.For(new("x"), [least, most]).Ticks.Select(tick => tick.Text)).ShouldBe(ticks);

    [Fact]
    public void Given_ends_hold_and_a_logarithmic_axis_refuses_zero()
    {
        var scale = ChartScale.For(new("x", From: 0.5, To: 0.93), [0.6]);
        scale.Of(0.5).ShouldBe(0);
        scale.Of(0.93).ShouldBe(1);
        scale.Ticks.Select(tick => tick.Text).ShouldBe(["0.5", "0.6", "0.7", "0.8", "0.9"]);

        var logarithmic = ChartScale.For(new("x", Logarithmic: true), [100_000, 1_000_000]);
        logarithmic.Ticks.Select(tick => tick.Text).ShouldBe(["100,000", "200,000", "500,000", "1,000,000"]);
        logarithmic.Of(Math.Sqrt(1e11)).ShouldBe(0.5, 1e-12);
        Should.Throw<InputException>(() => ChartScale.For(new("rows", Logarithmic: true), [0, 5])).Message.ShouldContain("'rows' cannot show 0");
    }

    [Fact]
    public void Names_are_escaped_and_an_empty_chart_is_still_one()
    {
        var svg = new SvgChart("A < B & \"C\"", "<script>", new("x"), new("y"), [new("a&b", SeriesStyle.Line, [])]).ToSvg();

        var document = XDocument.Parse(svg).Root!;
        document.Elements().Select(element => element.Name.LocalName).Take(2).ShouldBe(["title", "desc"]);
        document.Elements().First().Value.ShouldBe("A < B & \"C\"");
        document.Attribute("role")!.Value.ShouldBe("img");
        svg.ShouldNotContain("NaN");
        svg.ShouldNotContain("<script>");
    }

    // WCAG 2.2: 3 : 1 for what is drawn (1.4.11), 4.5 : 1 for text (1.4.3).
    [Fact]
    public void Every_colour_stands_out_from_its_ground_in_both_schemes()
    {
        var svg = new SvgChart("t", "d", new("x"), new("y"), []).ToSvg();
        var schemes = svg[svg.IndexOf("<style>", StringComparison.Ordinal)..svg.IndexOf("</style>", StringComparison.Ordinal)].Split("@media(prefers-color-scheme:dark)");

        schemes.Length.ShouldBe(2);
        foreach (var scheme in schemes)
        {
            var ground = Colour().Matches(scheme).Single(match => match.Groups[1].Value == ".page").Groups[2].Value;
            var drawn = Colour().Matches(scheme).Where(match => match.Groups[1].Value.StartsWith(".s", StringComparison.Ordinal) || match.Groups[1].Value == ".quiet").ToList();
            drawn.Count.ShouldBe(11);
            drawn.ShouldAllBe(match => Contrast(match.Groups[2].Value, ground) >= 3);
            Contrast(Colour().Matches(scheme).Single(match => match.Groups[1].Value == "text").Groups[2].Value, ground).ShouldBeGreaterThan(4.5);
        }
    }

    private static double Contrast(string one, string other)
    {
        double[] both = [Luminance(one), Luminance(other)];
        return (both.Max() + 0.05) / (both.Min() + 0.05);
    }

    private static double Luminance(string colour)
    {
        double[] parts = [.. Enumerable.Range(0, 3).Select(part => int.Parse(colour.AsSpan(1 + 2 * part, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0)
            .Select(part => part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4))];
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    }

    [GeneratedRegex(@"([.\w]+)\{[^}]*?(?:color|fill):(#[0-9a-f]{6})")]
    private static partial Regex Colour();
}
