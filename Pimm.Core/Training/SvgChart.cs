using System.Globalization;
using System.Security;
using System.Text;

namespace Pimm.Core.Training;

/// <summary>How a series is drawn.</summary>
public enum SeriesStyle
{
    /// <summary>A line from point to point; few points are marked too.</summary>
    Line,

    /// <summary>Marks alone; on an axis of categories those of several series stand side by side.</summary>
    Points,

    /// <summary>Bars from 0; on an axis of categories those of several series stand side by side.</summary>
    Bars,
}

/// <summary>A point, and with both bounds an error bar. One whose y is not finite is left out, and a line is interrupted there.</summary>
public readonly record struct ChartPoint(double X, double Y, double? Lower = null, double? Upper = null);

/// <summary>What is drawn in one colour and named in the legend.</summary>
/// <param name="Label">Its name in the legend.</param>
/// <param name="Points">In the order a line goes through them.</param>
/// <param name="Quiet">Something to compare with, such as a diagonal or a ceiling: grey, dashed, without marks.</param>
public sealed record ChartSeries(string Label, SeriesStyle Style, IReadOnlyList<ChartPoint> Points, bool Quiet = false);

/// <summary>
/// A chart as one SVG file that needs nothing else: lines, points and bars, with error bars, axes with round numbers, a grid and
/// a legend. It follows the reader's light or dark scheme on a ground of its own, tells series apart by the shape of their marks
/// too, and says its title and description to a screen reader. The same content gives the same bytes.
/// </summary>
/// <param name="Title">Above the chart.</param>
/// <param name="Description">What is to be seen, for those who cannot see it: the numbers that matter.</param>
/// <param name="Series">Drawn in this order; their colours repeat after ten that are not quiet.</param>
public sealed record SvgChart(string Title, string Description, ChartAxis X, ChartAxis Y, IReadOnlyList<ChartSeries> Series)
{
    private const int Width = 640;
    private const int Left = 96;
    private const int Right = Width - 36;
    private const int Top = 44;
    private const int Bottom = 344;
    private const int LegendRow = 20;
    private const int MarkedPoints = 40;
    private const double Letter = 6.7;

    private static readonly string[] Light = ["#0068a8", "#c24e00", "#007a55", "#a5408a", "#7a6200", "#007a87", "#c2185b", "#795548", "#455a64", "#5c4fc4"];
    private static readonly string[] Dark = ["#5ab4f0", "#ff9a4d", "#41cf9f", "#e58fd0", "#e0c23a", "#4fd3e0", "#ff7fa8", "#c9a58f", "#a9bcc6", "#a9a0ff"];

    /// <exception cref="InputException">a value of 0 or less on a logarithmic axis</exception>
    public string ToSvg()
    {
        var horizontal = ChartScale.For(X, Drawn.Select(point => point.X));
        var vertical = ChartScale.For(Y, Drawn.SelectMany(point => new[] { point.Y, point.Lower ?? point.Y, point.Upper ?? point.Y })
            .Concat(Series.Any(series => series.Style == SeriesStyle.Bars) ? [0] : []));
        // Names that would run into each other are turned and reach further down.
        var longest = X.Categories?.Select(name => name.Length).DefaultIfEmpty().Max() ?? 0;
        var turned = longest * Letter > (Right - Left) / (double)Math.Max(X.Categories?.Count ?? 1, 1);
        var labelled = Bottom + 42 + (turned ? (int)(longest * Letter * 0.5) : 0);
        var (legend, rows) = Legend(labelled + 24);

        var svg = new StringBuilder();
        Open(svg, labelled + 14 + rows * LegendRow);
        Axes(svg, horizontal, vertical, turned, labelled);
        for (var place = 0; place < Series.Count; place++)
        {
            Draw(svg, place, horizontal, vertical);
        }

        return svg.Append(legend).Append("</svg>\n").ToString();
    }

    private IEnumerable<ChartPoint> Drawn => Series.SelectMany(series => series.Points).Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y));

    private void Open(StringBuilder svg, int height)
    {
        Line(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" width="{Width}" height="{height}" role="img" aria-labelledby="title desc">""");
        Line(svg, $"""<title id="title">{Escaped(Title)}</title>""");
        Line(svg, $"""<desc id="desc">{Escaped(Description)}</desc>""");
        Line(svg, $"<style>text{{font:12px system-ui,sans-serif;fill:#1f2328}}.heading{{font-size:15px;font-weight:600}}.page{{fill:#ffffff}}.grid{{stroke:#d8dee4}}.quiet{{color:#59636e}}{Colours(Light)}");
        Line(svg, $"@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}.page{{fill:#0d1117}}.grid{{stroke:#30363d}}.quiet{{color:#9198a1}}{Colours(Dark)}}}</style>");
        Line(svg, $"""<rect class="page" width="{Width}" height="{height}"/>""");
        var lines = TitleLines();
        for (var place = 0; place < lines.Count; place++)
        {
            Line(svg, $"""<text class="heading" x="{Left}" y="{(lines.Count == 1 ? 24 : 16 + 18 * place)}">{Escaped(lines[place])}</text>""");
        }
    }

    /// <summary>The title on one line, or on two where it is too long; what does not fit on the second ends in an ellipsis.</summary>
    private List<string> TitleLines()
    {
        const int longest = (int)((Width - Left) / 8.4);
        if (Title.Length <= longest)
        {
            return [Title];
        }

        var at = Title.LastIndexOf(' ', longest);
        at = at < 0 ? longest : at;
        var rest = Title[at..].Trim();
        return [Title[..at], rest.Length <= longest ? rest : rest[..(longest - 1)] + "…"];
    }

    private void Axes(StringBuilder svg, ChartScale horizontal, ChartScale vertical, bool turned, int labelled)
    {
        foreach (var tick in vertical.Ticks)
        {
            var y = Down(vertical, tick.Value);
            Line(svg, $"""<path class="grid" d="M{Left} {y}H{Right}"/><text x="{Left - 8}" y="{y}" dy="4" text-anchor="end">{Escaped(tick.Text)}</text>""");
        }

        foreach (var tick in horizontal.Ticks)
        {
            var x = Across(horizontal, tick.Value);
            var how = turned
                ? FormattableString.Invariant($"""x="{x}" y="{Bottom + 16}" text-anchor="end" transform="rotate(-30 {x} {Bottom + 16})" """)
                : FormattableString.Invariant($"""x="{x}" y="{Bottom + 20}" text-anchor="middle" """);
            Line(svg, $"""<path class="grid" d="M{x} {(X.Categories is null ? Top : Bottom)}V{Bottom + 5}"/><text {how.TrimEnd()}>{Escaped(tick.Text)}</text>""");
        }

        Line(svg, $"""<path class="quiet" stroke="currentColor" fill="none" d="M{Left} {Top}V{Bottom}H{Right}"/>""");
        Line(svg, $"""<text x="{(Left + Right) / 2}" y="{labelled}" text-anchor="middle">{Escaped(X.Label)}</text>""");
        Line(svg, $"""<text x="16" y="{(Top + Bottom) / 2}" text-anchor="middle" transform="rotate(-90 16 {(Top + Bottom) / 2})">{Escaped(Y.Label)}</text>""");
    }

    private void Draw(StringBuilder svg, int place, ChartScale horizontal, ChartScale vertical)
    {
        var series = Series[place];
        var (aside, width) = Aside(place);
        Line(svg, $"""<g class="{Colour(place)}" stroke="currentColor" fill="currentColor">""");
        if (series.Style == SeriesStyle.Line)
        {
            var dashes = series.Quiet ? " stroke-dasharray=\"5 4\"" : "";
            Line(svg, $"""<path fill="none" stroke-width="2"{dashes} d="{LinePath(series.Points, horizontal, vertical)}"/>""");
        }

        foreach (var point in series.Points.Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y)))
        {
            var (x, y) = (Across(horizontal, point.X + aside), Down(vertical, point.Y));
            if (series.Style == SeriesStyle.Bars)
            {
                var (zero, half) = (Down(vertical, 0), Math.Round((Across(horizontal, point.X + width) - Across(horizontal, point.X)) * 0.45, 2));
                Line(svg, $"""<rect stroke="none" fill-opacity="0.75" x="{x - half:0.##}" y="{Math.Min(y, zero)}" width="{2 * half:0.##}" height="{Math.Abs(zero - y):0.##}"/>""");
            }
            else if (series.Style == SeriesStyle.Points || (!series.Quiet && series.Points.Count <= MarkedPoints))
            {
                Line(svg, $"""<path stroke="none" d="{Mark(place, x, y)}"/>""");
            }

            if (point is { Lower: { } lower, Upper: { } upper } && double.IsFinite(lower) && double.IsFinite(upper))
            {
                var (low, high) = (Down(vertical, lower), Down(vertical, upper));
                Line(svg, $"""<path fill="none" stroke-width="1.5" d="M{x} {high}V{low}M{x - 4:0.##} {high}h8M{x - 4:0.##} {low}h8"/>""");
            }
        }

        Line(svg, $"</g>");
    }

    /// <summary>How far beside its category a series stands and how wide its place is, in categories.</summary>
    private (double Aside, double Width) Aside(int place)
    {
        int[] beside = [.. Enumerable.Range(0, Series.Count).Where(other => X.Categories is not null && Series[other].Style != SeriesStyle.Line)];
        var at = Array.IndexOf(beside, place);
        var width = 0.8 / Math.Max(beside.Length, 1);
        return at < 0 ? (0, 0.8) : ((at - (beside.Length - 1) / 2.0) * width, width);
    }

    private static string LinePath(IReadOnlyList<ChartPoint> points, ChartScale horizontal, ChartScale vertical)
    {
        var path = new StringBuilder();
        var pen = 'M';
        foreach (var point in points)
        {
            if (!double.IsFinite(point.X) || !double.IsFinite(point.Y))
            {
                pen = 'M';
                continue;
            }

            path.Append(CultureInfo.InvariantCulture, $"{pen}{Across(horizontal, point.X)} {Down(vertical, point.Y)}");
            pen = 'L';
        }

        return path.ToString();
    }

    private (string Svg, int Rows) Legend(int y)
    {
        var svg = new StringBuilder();
        var (x, row) = ((double)Left, 0);
        for (var place = 0; place < Series.Count; place++)
        {
            var width = 28 + Series[place].Label.Length * Letter;
            if (x > Left && x + width > Right)
            {
                (x, row) = (Left, row + 1);
            }

            var middle = y + row * LegendRow - 4;
            var sign = Series[place].Quiet
                ? FormattableString.Invariant($"""<path stroke="currentColor" stroke-width="2" stroke-dasharray="5 4" d="M{x} {middle}h16"/>""")
                : FormattableString.Invariant($"""<path fill="currentColor" d="{Mark(place, x + 8, middle)}"/>""");
            Line(svg, $"""<g class="{Colour(place)}">{sign}<text x="{x + 21}" y="{middle + 4}">{Escaped(Series[place].Label)}</text></g>""");
            x = Math.Round(x + width + 12, 1);
        }

        return (svg.ToString(), row + 1);
    }

    private string Colour(int place) => Series[place].Quiet
        ? "quiet"
        : FormattableString.Invariant($"s{Series.Take(place).Count(series => !series.Quiet) % Light.Length}");

    private static string Mark(int place, double x, double y) => FormattableString.Invariant((place % 4) switch
    {
        0 => $"M{x - 4:0.##} {y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        1 => $"M{x - 4:0.##} {y - 4:0.##}h8v8h-8z",
        2 => $"M{x} {y - 5:0.##}l5 9h-10z",
        _ => $"M{x} {y - 5.5:0.##}l5 5.5l-5 5.5l-5 -5.5z",
    });

    private static string Colours(string[] palette) => string.Concat(palette.Select((colour, place) => FormattableString.Invariant($".s{place}{{color:{colour}}}")));

    private static double Across(ChartScale scale, double value) => Math.Round(Left + scale.Of(value) * (Right - Left), 2);

    private static double Down(ChartScale scale, double value) => Math.Round(Bottom - scale.Of(value) * (Bottom - Top), 2);

    private static string Escaped(string text) => SecurityElement.Escape(text)!;

    private static void Line(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
