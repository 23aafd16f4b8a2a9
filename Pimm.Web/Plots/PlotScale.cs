using System.Globalization;
using Pimm.Web.Shared;

namespace Pimm.Web.Plots;

/// <summary>A mark of an axis.</summary>
public readonly record struct PlotTick(double At, string Label);

/// <summary>From values to a coordinate of a drawing, with round ticks; what lies beyond the scale is drawn at its edge.</summary>
public sealed class PlotScale
{
    private readonly double low;
    private readonly double high;
    private readonly double from;
    private readonly double to;

    private PlotScale(double low, double high, double from, double to, double reference) => (this.low, this.high, this.from, this.to, Reference) = (low, high, from, to, reference);

    /// <summary>Around the values, with a little room at both ends.</summary>
    /// <param name="values">infinities are left out and drawn as arrows</param>
    /// <param name="reference">the value of no difference; on the scale where it is given</param>
    public static PlotScale Around(IEnumerable<double?> values, double from, double to, double? reference = null)
    {
        var finite = values.OfType<double>().Where(double.IsFinite).Concat(reference is { } none ? [none] : []).DefaultIfEmpty(0).ToList();
        var (least, most) = (finite.Min(), finite.Max());
        var room = most > least ? 0.06 * (most - least) : reference is null ? Math.Max(1e-6, 0.1 * Math.Abs(most)) : 1;
        return new PlotScale(least - room, most + room, from, to, reference ?? 0);
    }

    /// <summary>Exactly from one value to another.</summary>
    public static PlotScale Between(double low, double high, double from, double to) => new(low, high > low ? high : low + 1, from, to, low);

    public double Reference { get; }

    /// <summary>Coordinates of the scale's ends, the smaller first.</summary>
    public double Start => Math.Min(from, to);

    public double End => Math.Max(from, to);

    /// <summary>Round values inside the scale, at most seven.</summary>
    public IReadOnlyList<double> Ticks
    {
        get
        {
            var step = Step;
            var first = (long)Math.Ceiling((low / step) - 1e-9);
            return [.. Enumerable.Range(0, (int)((long)Math.Floor((high / step) + 1e-9) - first) + 1).Select(i => (first + i) * step)];
        }
    }

    public double At(double value) => from + ((to - from) * Math.Clamp((value - low) / (high - low), 0, 1));

    /// <param name="factor">100 for percent</param>
    public IReadOnlyList<PlotTick> Labelled(double factor = 1, string unit = "")
    {
        var step = factor * Step;
        var digits = Math.Clamp((int)Math.Ceiling(-Math.Log10(step) - 1e-9), 0, 6);
        // 0.25 needs a digit more than its power of ten says.
        digits += Math.Abs((step * Math.Pow(10, digits)) - Math.Round(step * Math.Pow(10, digits))) > 1e-6 ? 1 : 0;
        return [.. Ticks.Select(tick => new PlotTick(tick, Figures.Number(factor * tick, digits) + unit))];
    }

    /// <summary>A coordinate as SVG writes it.</summary>
    public static string N(double coordinate) => coordinate.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>Through the points in order; a gap where there is none.</summary>
    public static string Path(IEnumerable<(double X, double Y)?> points)
    {
        var path = new System.Text.StringBuilder();
        var pen = "M";
        foreach (var point in points)
        {
            path.Append(point is { } at ? $"{pen} {N(at.X)} {N(at.Y)} " : "");
            pen = point is null ? "M" : "L";
        }
        return path.ToString().TrimEnd();
    }

    private double Step
    {
        get
        {
            var rough = (high - low) / 6;
            var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
            return new[] { 1, 2, 2.5, 5, 10 }.Select(factor => factor * power).First(candidate => candidate >= rough * (1 - 1e-9));
        }
    }
}
