using System.Globalization;
using Pimm.Core.Training;

namespace Pimm.Core.Lift;

/// <summary>The figures of a campaign's page, by the names of their files; a figure without a value is left out.</summary>
public static class LiftFigures
{
    private const int LongestLabel = 24;

    public static IReadOnlyList<(string Name, SvgChart Chart)> All(LiftReport report) =>
    [
        .. Numbers(report, "per 1,000 impressions", "numbers", "What the treatment model was worth", "core conversions per 1,000 impressions"),
        .. Numbers(report, "relative", "lifts", "Relative lifts", "treatment against control, %"),
        .. Funnel(report),
        .. Cumulative(report),
        .. (report.Segments ?? []).SelectMany((segment, at) => Segment(segment, at)),
    ];

    /// <summary>Which of <see cref="All"/> shows a section: "numbers", "lifts", "funnel", "days" or "segment-1" …</summary>
    public static IEnumerable<(string Name, SvgChart Chart)> Of(LiftReport report, string name) => All(report).Where(figure => figure.Name == name);

    private static IEnumerable<(string, SvgChart)> Numbers(LiftReport report, string unit, string name, string title, string axis)
    {
        LiftNumber[] shown = report.Numbers.Where(number => number.Unit == unit && Finite(number.Estimate)).ToArray();
        if (shown.Length == 0)
            yield break;
        double factor = unit == "relative" ? 100 : 1;
        yield return (name, new SvgChart($"{title}: {report.Campaign}", $"{Sentence(shown.Select(n => (Short(n), n.Estimate, n.Lower, n.Upper)), factor)} Zero means no difference.",
            new ChartAxis("", Categories: [.. shown.Select(Short)]), new ChartAxis(axis),
            [Zero(shown.Length), Bars("as counted", shown.Select(n => (n.Estimate, n.Lower, n.Upper)), factor),
                .. Optional("adjusted for both scores", shown.Select(n => (n.Adjusted?.Estimate, n.Adjusted?.Lower, n.Adjusted?.Upper)), factor),
                .. Optional("valid at every look", shown.Select(n => (n.AlwaysValid?.Lower is null ? null : n.Estimate, n.AlwaysValid?.Lower, n.AlwaysValid?.Upper)), factor)]));
    }

    private static IEnumerable<(string, SvgChart)> Funnel(LiftReport report)
    {
        LiftStage[] stages = (report.Stages ?? []).Where(stage => stage.ControlRate > 0 || stage.TreatmentRate > 0).ToArray();
        if (stages.Length == 0)
            yield break;
        IEnumerable<string> words = stages.Select(stage => string.Create(CultureInfo.InvariantCulture, $"{stage.Stage} {100 * stage.ControlRate:0.##} % control, {100 * stage.TreatmentRate:0.##} % treatment"));
        yield return ("funnel", new SvgChart($"Funnel by arm: {report.Campaign}", $"Share of the exported impressions that reached a stage, on a logarithmic scale: {string.Join("; ", words)}. Whom an arm exports is its model's choice.",
            new ChartAxis("", Categories: [.. stages.Select(stage => Cut(stage.Stage))]), new ChartAxis("% of the exported", Logarithmic: true),
            [Rates("control", stages.Select(stage => stage.ControlRate)), Rates("treatment", stages.Select(stage => stage.TreatmentRate))]));
    }

    private static IEnumerable<(string, SvgChart)> Cumulative(LiftReport report)
    {
        LiftDay[] days = (report.Days?.Days ?? []).Where(day => day.Estimate is not null).ToArray();
        if (days.Length < 2)
            yield break;
        int first = report.Days!.Days[0].Date.DayNumber;
        double X(LiftDay day) => day.Date.DayNumber - first + 1;
        ChartSeries Band(string label, Func<LiftDay, double?> lower, Func<LiftDay, double?> upper) => new(label, SeriesStyle.Line,
            [.. days.Select(day => new ChartPoint(X(day), lower(day) ?? double.NaN)), new ChartPoint(double.NaN, double.NaN), .. days.Select(day => new ChartPoint(X(day), upper(day) ?? double.NaN))]);
        string ends = string.Create(CultureInfo.InvariantCulture, $"On the last day {days[^1].Estimate:0.00}, {100 * report.Confidence:0.#} % interval {days[^1].Lower:0.00} to {days[^1].Upper:0.00}");
        string always = days[^1].AlwaysLower is null ? "." : string.Create(CultureInfo.InvariantCulture, $", valid at every look {days[^1].AlwaysLower:0.00} to {days[^1].AlwaysUpper:0.00}.");
        yield return ("days", new SvgChart($"Headline so far: {report.Campaign}", $"{ends}{always} {report.Days.Note}",
            new ChartAxis("day of the campaign"), new ChartAxis("core conversions per 1,000 impressions"),
            [
                new ChartSeries("no difference", SeriesStyle.Line, [new ChartPoint(X(days[0]), 0), new ChartPoint(X(days[^1]), 0)], Quiet: true),
                new ChartSeries("so far", SeriesStyle.Line, [.. days.Select(day => new ChartPoint(X(day), day.Estimate!.Value))]),
                Band("fixed interval", day => day.Lower, day => day.Upper),
                .. days.Any(day => day.AlwaysLower is not null) ? [Band("valid at every look", day => day.AlwaysLower, day => day.AlwaysUpper)] : Array.Empty<ChartSeries>(),
            ]));
    }

    private static IEnumerable<(string, SvgChart)> Segment(LiftSegment segment, int at)
    {
        LiftSegmentLevel[] levels = segment.Levels.Where(level => Finite(level.Difference.Estimate)).ToArray();
        if (levels.Length == 0)
            yield break;
        yield return (FormattableString.Invariant($"segment-{at + 1}"), new SvgChart($"By {segment.Attribute}",
            $"{Sentence(levels.Select(l => (l.Level, l.Difference.Estimate, l.Difference.Lower, l.Difference.Upper)), 1)} Intervals of each level alone.",
            new ChartAxis(segment.Attribute, Categories: [.. levels.Select(level => Cut(level.Level))]), new ChartAxis("extra core conversions per 1,000 eligible"),
            [Zero(levels.Length), Bars("difference", levels.Select(l => (l.Difference.Estimate, l.Difference.Lower, l.Difference.Upper)), 1)]));
    }

    internal static ChartSeries Zero(int categories) =>
        new("no difference", SeriesStyle.Line, [new ChartPoint(-0.5, 0), new ChartPoint(categories - 0.5, 0)], Quiet: true);

    /// <summary>Marks with error bars, one a category; a bar with an infinite end is left out, the description says it.</summary>
    internal static ChartSeries Bars(string label, IEnumerable<(double? Value, double? Lower, double? Upper)> points, double factor) =>
        new(label, SeriesStyle.Points, [.. points.Select((p, place) => new ChartPoint(place, factor * p.Value ?? double.NaN, factor * p.Lower, factor * p.Upper)).Select(Bounded)]);

    internal static string Sentence(IEnumerable<(string Name, double? Value, double? Lower, double? Upper)> values, double factor) =>
        string.Join("; ", values.Select(v => string.Create(CultureInfo.InvariantCulture, $"{v.Name} {factor * v.Value:0.##} ({Bound(factor * v.Lower)} to {Bound(factor * v.Upper)})"))) + ".";

    internal static string Cut(string name) => name.Length <= LongestLabel ? name : name[..(LongestLabel - 1)] + "…";

    private static ChartPoint Bounded(ChartPoint point) => Finite(point.Lower) && Finite(point.Upper) ? point : point with { Lower = null, Upper = null };

    private static string Bound(double? bound) => bound switch
    {
        null => "n/a", double.PositiveInfinity => "∞", double.NegativeInfinity => "−∞", _ => bound.Value.ToString("0.##", CultureInfo.InvariantCulture),
    };

    private static IEnumerable<ChartSeries> Optional(string label, IEnumerable<(double? Value, double? Lower, double? Upper)> points, double factor) =>
        Bars(label, points, factor) is var series && series.Points.Any(point => double.IsFinite(point.Y)) ? [series] : [];

    private static ChartSeries Rates(string label, IEnumerable<double?> rates) =>
        new(label, SeriesStyle.Points, [.. rates.Select((rate, place) => new ChartPoint(place, rate > 0 ? 100 * rate.Value : double.NaN))]);

    private static string Short(LiftNumber number) => number.Key switch
    {
        LiftKeys.Extra => "extra conversions",
        LiftKeys.Disagreement => "disagreement set",
        LiftKeys.IncrementControl => "increment, control",
        LiftKeys.IncrementTreatment => "increment, treatment",
        LiftKeys.EligibleLift => "eligible lift",
        LiftKeys.DeliveredLift => "delivered lift",
        _ => Cut(number.Name),
    };

    private static bool Finite(double? value) => value is { } number && double.IsFinite(number);
}
