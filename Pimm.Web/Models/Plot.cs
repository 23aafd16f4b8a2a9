using System.Globalization;

namespace Pimm.Web.Models;

/// <param name="Lower">of an interval; null: none is known</param>
/// <param name="Marked">drawn larger, and named</param>
public sealed record PlotPoint(double X, double Y, double? Lower = null, double? Upper = null, bool Marked = false);

/// <param name="Look">main, second or quiet; quiet is a line without points</param>
public sealed record PlotSeries(string Name, string Look, IReadOnlyList<PlotPoint> Points);

/// <summary>An axis from its lowest to its highest tick.</summary>
public sealed record PlotAxis(string Title, double From, double To, IReadOnlyList<(double At, string Label)> Ticks)
{
    private const int Wanted = 5;

    /// <summary>Around the values, with round ticks.</summary>
    public static PlotAxis Of(string title, IEnumerable<double> values, Func<double, string> label)
    {
        double[] all = [.. values.Where(double.IsFinite)];
        var (least, most) = all.Length == 0 ? (0.0, 1.0) : (all.Min(), all.Max());
        if (most - least < 1e-12)
        {
            (least, most) = (least - 0.5 * Math.Max(Math.Abs(least), 0.1), most + 0.5 * Math.Max(Math.Abs(most), 0.1));
        }

        var rough = (most - least) / Wanted;
        var unit = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = unit * (rough / unit) switch { > 5 => 10, > 2 => 5, > 1 => 2, _ => 1 };
        var (from, to) = (Math.Floor(least / step) * step, Math.Ceiling(most / step) * step);
        return new(title, from, to, [.. Enumerable.Range(0, (int)Math.Round((to - from) / step) + 1).Select(i => from + (i * step)).Select(at => (at, label(at)))]);
    }

    public double Share(double value) => (value - From) / (To - From);
}

/// <summary>Places on a drawing.</summary>
public static class PlotText
{
    public static string Of(double place) => place.ToString("0.##", CultureInfo.InvariantCulture);
}
